import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';

/** The two files that the imports of the app take, made from the Northwind files. */
export interface ImportFiles {
  readonly products: string;
  readonly orders: string;
  /** Ids of the orders, prefix included. */
  readonly orderIds: readonly string[];
  readonly skus: readonly string[];
}

export interface ImportFileOptions {
  /** Folder with products.csv, orders.csv and order_details.csv. */
  readonly dir: string;
  /** Put before every order's id, so that each run has orders of its own. */
  readonly prefix: string;
  /** Gives every product what all orders together need, on top of its own stock. */
  readonly isRestocked: boolean;
}

const files = {
  'products.csv': ['productID', 'productName', 'unitPrice', 'unitsInStock'],
  'orders.csv': ['orderID', 'customerID'],
  'order_details.csv': ['orderID', 'productID', 'unitPrice', 'quantity', 'discount'],
} as const;
type FileName = keyof typeof files;
type Row<Name extends FileName> = Readonly<Record<(typeof files)[Name][number], string>>;

/** Reads the Northwind files and writes them as import files. Throws an error that names a missing file or column. */
export async function makeImportFiles({ dir, prefix, isRestocked }: ImportFileOptions): Promise<ImportFiles> {
  const products = await readRows(dir, 'products.csv');
  const orders = await readRows(dir, 'orders.csv');
  const details = await readRows(dir, 'order_details.csv');

  const ordered = new Map<string, number>();
  const linesOf = new Map<string, Row<'order_details.csv'>[]>();
  for (const detail of details) {
    ordered.set(detail.productID, (ordered.get(detail.productID) ?? 0) + Number(detail.quantity));
    linesOf.set(detail.orderID, [...(linesOf.get(detail.orderID) ?? []), detail]);
  }
  const stockOf = ({ productID, unitsInStock }: Row<'products.csv'>): number =>
    Number(unitsInStock) + (isRestocked ? (ordered.get(productID) ?? 0) : 0);

  const toLines = ({ orderID, customerID }: Row<'orders.csv'>): string[][] =>
    (linesOf.get(orderID) ?? []).map(({ productID, quantity, unitPrice, discount }) => [
      prefix + orderID,
      customerID,
      productID,
      quantity,
      unitPrice,
      discount,
      `orders+${customerID.toLowerCase()}@example.com`,
    ]);
  return {
    products: toCsv(
      ['sku', 'name', 'unit price', 'stock'],
      products.map((product) => [product.productID, product.productName, product.unitPrice, String(stockOf(product))]),
    ),
    orders: toCsv(
      ['order', 'customer', 'sku', 'quantity', 'unit price', 'discount', 'email'],
      orders.flatMap((order) => toLines(order)),
    ),
    orderIds: orders.filter(({ orderID }) => linesOf.has(orderID)).map(({ orderID }) => prefix + orderID),
    skus: products.map(({ productID }) => productID),
  };
}

async function readRows<Name extends FileName>(dir: string, name: Name): Promise<Row<Name>[]> {
  const file = path.join(dir, name);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Error(
      `expected the Northwind file ${file}, which can't be read (${String(error)}); --data names its folder`,
    );
  });
  const rows = parse<Row<Name>>(text, { columns: true, bom: true, skip_empty_lines: true });
  const missing = files[name].filter((column) => rows[0]?.[column as keyof Row<Name>] === undefined);
  if (missing.length === 0) return rows;
  throw new Error(`expected the columns ${files[name].join(', ')} in ${file}; there is no ${missing.join(', ')}`);
}

function toCsv(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const toField = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [header, ...rows].map((row) => `${row.map(toField).join(',')}\n`).join('');
}
