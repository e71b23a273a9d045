import { parseArgs } from 'node:util';
import { createLedger } from 'durable-saga/postgres';
import { systemClock } from '../../src/adapters/clock';
import { createPostgresCatalogue } from '../../src/adapters/postgres-catalogue';
import { skuSchema } from '../../src/domain/ids';
import { withDatabase } from './database-place';
import type { DeployStep } from './step';

/** The one product that smoke orders are for. */
export const SMOKE_SKU = skuSchema.parse('smoke-test');

/** Minor units, the most that a payment may be: every order of it has to be approved, and so none is ever paid. */
const PRICE = 99_999_999;

/** Puts the product into the catalogue, once; whoever sees it there can buy it only with somebody's approval. */
export const smokeProduct: DeployStep = {
  summary: 'puts the product that smoke orders are for into the catalogue, once',
  usage: 'smoke-product\nDATABASE_URL is taken from the environment.',
  async run(args, environment) {
    parseArgs({ args: [...args], options: {} });
    const what = (place: string) => `put ${SMOKE_SKU} into the catalogue of ${place}`;
    await withDatabase(environment, what, async (database) => {
      const ledger = createLedger({ clock: () => systemClock.now() });
      const product = { sku: SMOKE_SKU, name: 'Test of a deployment, not for sale', unitPrice: PRICE, stock: 1_000 };
      await createPostgresCatalogue(database, ledger, systemClock).put('deployment/smoke-product', [product]);
    });
    console.log(`the catalogue has ${SMOKE_SKU}`);
  },
};
