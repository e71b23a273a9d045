import { z } from 'zod';
import { fieldOf, shorten } from './csv-columns';
import type { CsvColumns, ProductColumn } from './csv-columns';
import type { CsvRecord } from './csv-records';
import { skuSchema } from './ids';
import { parseMoney } from './money';
import type { Product } from './order';
import { describePrice, expected, readWhole } from './order-rows';
import type { RowRejection } from './order-rows';

/** More pieces of one product than any shop has. */
export const MAX_STOCK = 1_000_000_000;

const nameSchema = z.string().regex(/^[^\p{C}]{1,200}$/u);

export type ReadProduct =
  { readonly ok: true; readonly product: Product } | { readonly ok: false; readonly rejection: RowRejection };

/** Reads one row of a products import: the product as it shall be, its stock included. */
export function readProduct(record: CsvRecord, columns: CsvColumns<ProductColumn>, decimals: number): ReadProduct {
  const text = (name: ProductColumn): string => fieldOf(record.fields, columns, name);
  const reject = (reason: string): ReadProduct => ({ ok: false, rejection: { row: record.row, reason } });
  if (record.problem !== undefined) return reject(record.problem);

  const sku = skuSchema.safeParse(text('sku'));
  const name = nameSchema.safeParse(text('name'));
  const unitPrice = parseMoney(text('unit price'), decimals);
  const stock = readWhole(text('stock'), 0, MAX_STOCK);
  if (sku.success && name.success && unitPrice !== undefined && stock !== undefined) {
    return { ok: true, product: { sku: sku.data, name: name.data, unitPrice, stock } };
  }
  const problems: string[] = [];
  if (!sku.success) problems.push(expected('sku', '1 to 64 printable characters', shorten(text('sku'))));
  if (!name.success) problems.push(expected('name', '1 to 200 printable characters', text('name')));
  if (unitPrice === undefined) problems.push(expected('unit price', describePrice(decimals), text('unit price')));
  if (stock === undefined) {
    problems.push(expected('stock', `a whole number from 0 to ${MAX_STOCK}`, text('stock')));
  }
  return reject(problems.join('; '));
}
