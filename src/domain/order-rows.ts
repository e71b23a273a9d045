import type { z } from 'zod';
import { fieldOf, shorten } from './csv-columns';
import type { CsvColumns, OrderColumn } from './csv-columns';
import type { CsvRecord } from './csv-records';
import { customerIdSchema, orderIdSchema, skuSchema } from './ids';
import { parseMoney } from './money';
import type { NewOrder } from './order';
import { DEFAULT_PAYMENT_METHOD, MAX_LINES, MAX_QUANTITY, emailSchema, paymentMethodSchema } from './order-request';
import { parseDiscount, priceImport } from './priced-order';
import type { ImportedLine, ImportedOrder } from './priced-order';

/**
 * The rows of an order import. One row is one line of an order; the rows of an order stand together, so that an order is
 * complete as soon as the next one begins and a file of any length needs the memory of one order.
 *
 * A bad row rejects its whole order: half an order is not what the customer wanted. For the same reason a row that doesn't
 * tell its order (an empty cell, as spreadsheets have below a value that repeats, or a damaged row) counts to the order
 * before it.
 */

export interface OrderRows {
  /** Row and offset of the first row. */
  readonly row: number;
  readonly offset: number;
  /** Offset and row at which the rows after them begin. */
  readonly end: number;
  readonly nextRow: number;
  /** The order's id as the file has it, for messages; empty when no row tells it. */
  readonly orderId: string;
  readonly rowCount: number;
  /** The rows; of a group with more than an order may have, only the first ones. */
  readonly records: readonly CsvRecord[];
}

/** Why a row can't be taken. `order` is what the file says, shortened. */
export interface RowRejection {
  readonly row: number;
  readonly order?: string | undefined;
  readonly reason: string;
}

export type ReadOrder =
  | { readonly ok: true; readonly order: NewOrder }
  | { readonly ok: false; readonly rejections: readonly RowRejection[] };

/** The records in groups, one an order. */
export async function* groupOrderRows(
  records: AsyncIterable<CsvRecord>,
  columns: CsvColumns<OrderColumn>,
): AsyncGenerator<OrderRows, void, undefined> {
  let rows: OrderRows | undefined;
  for await (const record of records) {
    const id = fieldOf(record.fields, columns, 'order');
    if (rows && (id === '' || id === rows.orderId || (record.problem !== undefined && !isOrderId(id)))) {
      rows = append(rows, record);
      continue;
    }
    if (rows) yield rows;
    rows = append(
      { row: record.row, offset: record.offset, end: 0, nextRow: 0, orderId: id, rowCount: 0, records: [] },
      record,
    );
  }
  if (rows) yield rows;
}

function isOrderId(text: string): boolean {
  return orderIdSchema.safeParse(text).success;
}

function append(rows: OrderRows, record: CsvRecord): OrderRows {
  const records = rows.records.length > MAX_LINES ? rows.records : [...rows.records, record];
  return { ...rows, end: record.end, nextRow: record.row + 1, rowCount: rows.rowCount + 1, records };
}

/** Reads and prices the order of a group of rows. `decimals` is how many the currency has. */
export function readOrder(
  { row, orderId, rowCount, records }: OrderRows,
  columns: CsvColumns<OrderColumn>,
  money: { readonly currency: string; readonly decimals: number },
): ReadOrder {
  const order = orderId === '' ? undefined : shorten(orderId);
  if (rowCount > MAX_LINES) {
    return { ok: false, rejections: [{ row, order, reason: `the order has more than ${MAX_LINES} rows` }] };
  }
  const parsed = records.map((record) => readOrderRow(record, columns, money.decimals));
  const problems = parsed.map(({ problems: found }) => [...found]);
  const shared = readShared(parsed, problems);
  if (shared && problems.every((found) => found.length === 0)) {
    const priced = priceImport({ ...shared, lines: parsed.flatMap(({ line }) => line ?? []) }, money.currency);
    if (priced.ok) return priced;
    for (const { path, message } of priced.violations) {
      const index = Number(/^lines\[(\d+)\]/.exec(path)?.[1] ?? 0);
      problems[index]?.push(message);
    }
  }
  return { ok: false, rejections: toRejections(records, problems, order) };
}

interface OrderRow {
  readonly orderId: string;
  readonly customer: string;
  readonly email: string;
  readonly paymentMethod: string;
  readonly line: ImportedLine | undefined;
  readonly problems: readonly string[];
}

function readOrderRow(record: CsvRecord, columns: CsvColumns<OrderColumn>, decimals: number): OrderRow {
  const text = (name: OrderColumn): string => fieldOf(record.fields, columns, name);
  const about = {
    orderId: text('order'),
    customer: text('customer'),
    email: text('email'),
    paymentMethod: text('payment method'),
  };
  if (record.problem !== undefined) return { ...about, line: undefined, problems: [record.problem] };
  const problems: string[] = [];
  if (about.orderId === '') problems.push('order: the cell is empty');
  const sku = take(skuSchema, 'sku', text('sku'), problems);
  const quantity = readWhole(text('quantity'), 1, MAX_QUANTITY);
  if (quantity === undefined) {
    problems.push(expected('quantity', `a whole number from 1 to ${MAX_QUANTITY}`, text('quantity')));
  }
  const unitPrice = readPrice(text('unit price'), decimals, problems);
  const discount = text('discount') || '0';
  if (!parseDiscount(discount)) problems.push(expected('discount', 'a decimal from 0 to 1', discount));
  const isComplete = sku !== undefined && quantity !== undefined && unitPrice !== undefined;
  return { ...about, line: isComplete ? { sku, quantity, unitPrice, discount } : undefined, problems };
}

/** What all rows of an order say alike; a cell may be empty when another row has it. Writes what is wrong to `problems`. */
function readShared(
  rows: readonly OrderRow[],
  problems: readonly string[][],
): Omit<ImportedOrder, 'lines'> | undefined {
  const orderId = agree(rows, 'order', ({ orderId: id }) => id, problems, orderIdSchema);
  const customerId = agree(rows, 'customer', ({ customer }) => customer, problems, customerIdSchema);
  const email = agree(rows, 'email', (row) => row.email, problems, emailSchema.optional());
  const paymentMethod = agree(
    rows,
    'payment method',
    (row) => row.paymentMethod,
    problems,
    paymentMethodSchema.default(DEFAULT_PAYMENT_METHOD),
  );
  if (orderId === undefined || customerId === undefined || paymentMethod === undefined) return undefined;
  return { orderId, customerId, email, paymentMethod };
}

function agree<Schema extends z.ZodType>(
  rows: readonly OrderRow[],
  column: OrderColumn,
  textOf: (row: OrderRow) => string,
  problems: readonly string[][],
  schema: Schema,
): z.infer<Schema> | undefined {
  const first = rows.findIndex((row) => textOf(row) !== '');
  const text = rows[first] ? textOf(rows[first]) : '';
  for (const [index, row] of rows.entries()) {
    const other = textOf(row);
    if (other === '' || other === text || row.problems.length > 0) continue;
    problems[index]?.push(`${column}: "${shorten(other)}" differs from "${shorten(text)}" in the order's first row`);
  }
  return take(schema, column, text, problems[Math.max(first, 0)] ?? []);
}

/** Parses a cell; an empty one is absent. */
function take<Schema extends z.ZodType>(
  schema: Schema,
  column: string,
  text: string,
  problems: string[],
): z.infer<Schema> | undefined {
  const parsed = schema.safeParse(text === '' ? undefined : text);
  if (parsed.success) return parsed.data;
  const cell = text === '' ? 'the cell is empty' : `${parsed.error.issues[0]?.message}, got "${shorten(text)}"`;
  problems.push(`${column}: ${cell}`);
  return undefined;
}

function readPrice(text: string, decimals: number, problems: string[]): number | undefined {
  const price = parseMoney(text, decimals);
  if (price === undefined) problems.push(expected('unit price', describePrice(decimals), text));
  return price;
}

/** What a price looks like, for messages. */
export function describePrice(decimals: number): string {
  const example = decimals === 0 ? '14' : `14.${'0'.repeat(decimals)}`;
  return `an amount such as ${example}, digits and a point only`;
}

/** A whole number from `least` to `most`, written in digits. */
export function readWhole(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= least && value <= most ? value : undefined;
}

/** `column: expected ..., got "..."` */
export function expected(column: string, what: string, text: string): string {
  return text === '' ? `${column}: the cell is empty` : `${column}: expected ${what}, got "${shorten(text)}"`;
}

function toRejections(
  records: readonly CsvRecord[],
  problems: readonly (readonly string[])[],
  order: string | undefined,
): RowRejection[] {
  return records.flatMap(({ row }, index) => {
    const found = problems[index] ?? [];
    return found.length === 0 ? [] : [{ row, order, reason: [...new Set(found)].join('; ') }];
  });
}
