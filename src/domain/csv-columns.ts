/**
 * The header of an import file. Column names are matched without regard to case, blanks, `_` and `-` (`unitPrice`, `Unit
 * price` and `UNIT_PRICE` are one name) and may come in any order; columns that the import doesn't know are ignored, and
 * the report lists them, since a misspelt name is otherwise found too late.
 */

/** Where the columns are: what a batch needs to read rows without seeing the header again. */
export interface CsvColumns<Name extends string> {
  /** How many columns each row has. */
  readonly count: number;
  /** Index by name; a missing optional column has none. */
  readonly at: Readonly<Partial<Record<Name, number>>>;
}

export interface ColumnNames<Name extends string> {
  readonly required: readonly Name[];
  readonly optional: readonly Name[];
}

export type HeaderReading<Name extends string> =
  | { readonly ok: true; readonly columns: CsvColumns<Name>; readonly ignored: readonly string[] }
  | { readonly ok: false; readonly message: string };

export const orderColumns = {
  required: ['order', 'customer', 'sku', 'quantity', 'unit price', 'discount'],
  optional: ['payment method', 'email'],
} as const;
export type OrderColumn = (typeof orderColumns)['required' | 'optional'][number];

export const productColumns = { required: ['sku', 'name', 'unit price', 'stock'], optional: [] } as const;
export type ProductColumn = (typeof productColumns)['required'][number];

/** Finds the columns in the first row of a file; the message says what was expected and what is there. */
export function readHeader<Name extends string>(
  fields: readonly string[],
  { required, optional }: ColumnNames<Name>,
): HeaderReading<Name> {
  const found = fields.map(toKey);
  const known: readonly Name[] = [...required, ...optional];
  const missing = required.filter((name) => !found.includes(toKey(name)));
  if (missing.length > 0) return { ok: false, message: explainMissing(fields, missing, known) };
  const repeated = known.filter((name) => found.indexOf(toKey(name)) !== found.lastIndexOf(toKey(name)));
  if (repeated.length > 0) return { ok: false, message: `the header has more than one column ${quoted(repeated)}` };
  const at: Partial<Record<Name, number>> = {};
  for (const name of known) {
    const index = found.indexOf(toKey(name));
    if (index !== -1) at[name] = index;
  }
  const keys = known.map(toKey);
  const ignored = fields.filter((_, index) => !keys.includes(found[index] ?? '')).map((field) => shorten(field));
  return { ok: true, columns: { count: fields.length, at }, ignored };
}

/** The trimmed text of a column in a row; empty when the row or the file doesn't have it. */
export function fieldOf<Name extends string>(fields: readonly string[], columns: CsvColumns<Name>, name: Name): string {
  const index = columns.at[name];
  return index === undefined ? '' : (fields[index] ?? '').trim();
}

/** Text from a file as a message can show it: one line, at most 64 characters. */
export function shorten(text: string): string {
  const line = text.replace(/[\p{C}\uFFFD]+/gu, ' ').trim();
  return line.length > 64 ? `${line.slice(0, 61)}...` : line;
}

function explainMissing(fields: readonly string[], missing: readonly string[], known: readonly string[]): string {
  const expected = `expected the column names ${quoted(known)} in the first row`;
  const got = `got ${quoted(fields.slice(0, known.length).map(shorten))}`;
  if (fields.length === 1 && /[;\t|]/.test(fields[0] ?? '')) {
    return `${expected}, separated by commas; ${got}`;
  }
  return `${expected}; ${quoted(missing)} missing, ${got}`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

function toKey(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}
