import { createLedger } from 'durable-saga/postgres';
import { systemClock } from '../src/adapters/clock';
import { createPostgresCatalogue } from '../src/adapters/postgres-catalogue';
import { connectDatabase } from '../src/adapters/postgres-database';
import { readDatabaseConfig } from '../src/config';
import { skuSchema } from '../src/domain/ids';
import type { Product } from '../src/domain/order';

/**
 * Gives a development database something to sell, once: what is sold or changed afterwards stays as it is. Runs before
 * the host when the app is started locally, never in Azure.
 */
const products: readonly Product[] = [
  product('green-tea', 'Green tea, 20 bags', 4_50, 1_000),
  product('coffee', 'Coffee beans, 1 kg', 18_90, 500),
  product('mug', 'Mug, 0.3 l', 9_00, 250),
  product('kettle', 'Kettle, 1.5 l', 64_00, 40),
  product('espresso-machine', 'Espresso machine', 2_750_00, 5),
];

function product(sku: string, name: string, unitPrice: number, stock: number): Product {
  return { sku: skuSchema.parse(sku), name, unitPrice, stock };
}

async function main(): Promise<void> {
  const database = connectDatabase({ ...readDatabaseConfig(process.env), poolSize: 1 });
  try {
    const ledger = createLedger({ clock: () => systemClock.now() });
    await createPostgresCatalogue(database, ledger, systemClock).put('development-catalogue', products);
  } finally {
    await database.close();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
