import type { Ledger } from 'durable-saga/postgres';
import { skuSchema } from '../domain/ids';
import type { Product } from '../domain/order';
import type { Catalogue, Clock } from '../ports';
import type { Database } from './postgres-database';

interface ProductRow {
  sku: string;
  name: string;
  unit_price: number;
  stock: number;
}

/** The catalogue in table `products`. */
export function createPostgresCatalogue(database: Database, ledger: Ledger, clock: Clock): Catalogue {
  return {
    async list({ after, limit }) {
      const { rows } = await database.query<ProductRow>(
        `select sku, name, unit_price, stock from products where $1::text is null or sku > $1 order by sku limit $2`,
        [after ?? null, limit],
      );
      return rows.map(toProduct);
    },

    async find(skus) {
      const { rows } = await database.query<ProductRow>(
        'select sku, name, unit_price, stock from products where sku = any($1)',
        [skus],
      );
      return new Map(rows.map(toProduct).map((product) => [product.sku, product]));
    },

    async put(key, products) {
      await database.transaction((tx) =>
        ledger.once(tx, key, async () => {
          // In the order of their skus, so that two files at once lock the same rows in the same order.
          await tx.query(
            `insert into products (sku, name, unit_price, stock, updated_at)
             select sku, name, "unitPrice", stock, $2
             from jsonb_to_recordset($1) as p(sku text, name text, "unitPrice" bigint, stock integer)
             order by sku
             on conflict (sku) do update
             set name = excluded.name, unit_price = excluded.unit_price, stock = excluded.stock,
                 updated_at = excluded.updated_at`,
            [JSON.stringify(products), clock.now()],
          );
          return { products: products.length };
        }),
      );
    },
  };
}

function toProduct(row: ProductRow): Product {
  return { sku: skuSchema.parse(row.sku), name: row.name, unitPrice: row.unit_price, stock: row.stock };
}
