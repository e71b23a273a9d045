import type { Figure } from './section';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws Error for no values. */
export function toSpread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error('Expected at least one value.');
  return { median: quantile(sorted, 0.5), min, max };
}

/** The value that a share `at` (0 to 1) of the sorted values does not exceed; between two of them, the mean by distance. */
export function quantile(sorted: readonly number[], at: number): number {
  const place = (sorted.length - 1) * at;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new Error('Expected at least one value.');
  return below + (above - below) * (place - Math.floor(place));
}

/** A row for each quantity, a column for each subject, `median (min-max)` in the cells. */
export function toTable(figures: readonly Figure[]): string {
  const subjects = [...new Set(figures.map(({ subject }) => subject))];
  const quantities = [...new Set(figures.map(({ quantity, unit }) => `${quantity}, ${unit}`))];
  const cell = (row: string, column: string): string => {
    const found = figures.find(({ quantity, unit, subject }) => `${quantity}, ${unit}` === row && subject === column);
    return found === undefined ? '' : toCell(found.values);
  };
  const rows = quantities.map((row) => [row, ...subjects.map((column) => cell(row, column))]);
  return align([['', ...subjects], ...rows]);
}

function toCell(values: readonly number[]): string {
  const { median, min, max } = toSpread(values);
  if (values.length === 1) return toText(median);
  return `${toText(median)} (${toText(min)}-${toText(max)})`;
}

/** Three digits that count. */
function toText(value: number): string {
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 4));
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const [head = [], ...body] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}
