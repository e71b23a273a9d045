/**
 * Money, exactly. Amounts are integers in minor units (cents) and never pass through binary fractions: decimal text is
 * read digit by digit, products are made of big integers, and the one rounding that the business has (half-up, once for
 * each order line) happens at the end. A float would do well for months and then be a cent short in a sum of thousands.
 */

/** `digits` x 10^-`scale`; never negative. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/**
 * The largest amount of one order: the payment provider takes amounts of at most eight digits. All sums below stay far
 * within what a JavaScript number holds exactly.
 */
export const MAX_TOTAL = 99_999_999;

/** Longer numbers are no prices; the limit keeps hostile input from becoming work. */
const MAX_DECIMAL_LENGTH = 32;

/** Reads `12`, `12.5` or `.5`; undefined for anything else, signs, exponents, blanks and separators among it. */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > MAX_DECIMAL_LENGTH) return undefined;
  const match = /^(\d*)(?:\.(\d+))?$/.exec(text);
  if (!match || text === '') return undefined;
  const [, whole = '', fraction = ''] = match;
  const trimmed = fraction.replace(/0+$/, '');
  return { digits: BigInt(whole + trimmed || '0'), scale: trimmed.length };
}

/** The shortest text of the number: `0.15`, `3`. */
export function formatDecimal({ digits, scale }: Decimal): string {
  if (scale === 0) return digits.toString();
  const text = digits.toString().padStart(scale + 1, '0');
  return `${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

/**
 * ISO 4217's currencies whose minor unit is no hundredth. `Intl` knows decimals, too, but those of prices as they are written in
 * the country: none for Hungary, whose forints the payment provider counts in hundredths. Asking it also takes 15 ms at start.
 */
const UNUSUAL_DECIMALS: ReadonlyMap<string, number> = new Map([
  ...'bif clp djf gnf isk jpy kmf krw pyg rwf ugx uyi vnd vuv xaf xof xpf'.split(' ').map((code) => [code, 0] as const),
  ...'bhd iqd jod kwd lyd omr tnd'.split(' ').map((code) => [code, 3] as const),
]);

/** How many decimals a currency (ISO 4217) has: 2 for usd, 0 for jpy; undefined for what is no currency. */
export function minorDigits(currency: string): number | undefined {
  if (!Intl.supportedValuesOf('currency').includes(currency.toUpperCase())) return undefined;
  return UNUSUAL_DECIMALS.get(currency.toLowerCase()) ?? 2;
}

/**
 * Reads an amount in major units (`14.00`) as minor units (`1400`) of a currency with `decimals` decimals. Undefined
 * when the text is no decimal, says fractions of a minor unit, or is above MAX_TOTAL.
 */
export function parseMoney(text: string, decimals: number): number | undefined {
  const value = parseDecimal(text);
  if (!value || value.scale > decimals) return undefined;
  const minor = value.digits * 10n ** BigInt(decimals - value.scale);
  return minor > BigInt(MAX_TOTAL) ? undefined : Number(minor);
}

/** `126579329` as `1265793.29`. Expects an integer, negative or not. */
export function formatMoney(minor: number, decimals: number): string {
  const text = Math.abs(minor)
    .toString()
    .padStart(decimals + 1, '0');
  const split = text.length - decimals;
  const sign = minor < 0 ? '-' : '';
  return sign + (decimals === 0 ? text : `${text.slice(0, split)}.${text.slice(split)}`);
}

/** A number as text, half-up: 0.5 becomes 1. For values that aren't negative. */
export function roundHalfUp({ digits, scale }: Decimal): bigint {
  const unit = 10n ** BigInt(scale);
  return (2n * digits + unit) / (2n * unit);
}

/**
 * quantity x unitPrice x (1 - discount) in minor units, rounded half-up. `unitPrice` is in minor units; `quantity` is a
 * non-negative integer, `discount` between 0 and 1. Undefined above MAX_TOTAL.
 */
export function lineAmount(line: { quantity: number; unitPrice: number; discount: Decimal }): number | undefined {
  const { digits, scale } = line.discount;
  const kept = 10n ** BigInt(scale) - digits;
  const amount = roundHalfUp({ digits: BigInt(line.quantity) * BigInt(line.unitPrice) * kept, scale });
  return amount > BigInt(MAX_TOTAL) ? undefined : Number(amount);
}

/**
 * What `part` of `whole` equal units of an amount come to, rounded half-up: 0 of them nothing, all of them the amount.
 * The difference between two such shares is what the units between them come to; differences therefore add up exactly,
 * in whatever portions they are taken.
 */
export function shareOf(amount: number, part: number, whole: number): number {
  return Number((2n * BigInt(amount) * BigInt(part) + BigInt(whole)) / (2n * BigInt(whole)));
}
