import type { Line, Wishes } from './estimate';
import type { Measured } from './measured';
import { unverified } from './prices';
import type { Prices } from './prices';

/** The estimate as a table for people. */
export function showEstimate(lines: readonly Line[], measured: Measured, prices: Prices, wishes: Wishes): string {
  const total = (of: (line: Line) => number): number => lines.reduce((sum, line) => sum + of(line), 0);
  const rows = [
    ['', 'an order', '', 'without orders', 'orders, spread', 'orders, alone'],
    ...lines.map(({ what, unit, perOrder, fixed, alone, spread }) => [
      what,
      unit === '' ? '' : perOrder.toLocaleString('en', { maximumFractionDigits: 2 }),
      unit,
      money(fixed),
      money(spread),
      money(alone),
    ]),
    [
      'together',
      '',
      '',
      money(total(({ fixed }) => fixed)),
      money(total(({ spread }) => spread)),
      money(total(({ alone }) => alone)),
    ],
  ];
  const [fixed, spread, alone] = (['fixed', 'spread', 'alone'] as const).map((key) => total((line) => line[key]));
  const each = (variable = 0): string => money(((fixed ?? 0) + variable) / wishes.orders, 6);
  return [
    `${wishes.orders.toLocaleString('en')} orders a month, ${prices.region}, ${prices.currency}, prices of ${prices.date}`,
    '',
    align(rows),
    '',
    `An order costs ${each(spread)} when all are spread evenly, ${each(alone)} when none ever meets another; ` +
      `without what is paid anyway ${money((spread ?? 0) / wishes.orders, 6)} and ${money((alone ?? 0) / wishes.orders, 6)}.`,
    `Measured ${measured.measured.at.slice(0, 10)} on Node ${measured.measured.node}. ${toMix(wishes)}`,
    ...toWarnings(prices),
  ].join('\n');
}

function toMix({ mix, memoryMb, hasGrants, slower }: Wishes): string {
  const sum = Object.values(mix).reduce((all, part) => all + part, 0);
  const parts = Object.entries(mix).map(([name, part]) => `${Math.round((100 * part) / sum)} % ${name}`);
  const pace = slower === 1 ? '' : ` Executions take ${slower} times as long as measured.`;
  return `Orders: ${parts.join(', ')}. Instances of ${memoryMb} MB. Free grants are ${hasGrants ? '' : 'not '}taken off.${pace}`;
}

function toWarnings(prices: Prices): string[] {
  const names = unverified(prices);
  return names.length === 0 ? [] : [`Not verified, look them up first: ${names.join(', ')}.`];
}

const money = (amount: number, decimals = 2): string =>
  amount.toLocaleString('en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/** Columns of text to the left, of numbers to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const isText = (column: number): boolean => column === 0 || column === 2;
  return rows
    .map((row) =>
      row
        .map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
