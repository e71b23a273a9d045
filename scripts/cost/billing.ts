export const MONTH_HOURS = 730;
export const MONTH_SECONDS = MONTH_HOURS * 3_600;

/** From when to when, in milliseconds. */
export type Stretch = readonly [from: number, to: number];

/** Milliseconds that are billed for stretches: each at least `least`, rounded up to `step`; what begins meanwhile is part of it. */
export function billedMilliseconds(busy: readonly Stretch[], least: number, step: number): number {
  let billed = 0;
  let current: { readonly from: number; to: number } | undefined;
  const close = (): void => {
    if (current) billed += roundUp(current.to - current.from, step);
  };
  for (const [from, to] of busy.toSorted(([a], [b]) => a - b)) {
    if (current && from <= current.to) current.to = Math.max(current.to, to);
    else {
      close();
      current = { from, to: Math.max(to, from + least) };
    }
  }
  close();
  return billed;
}

/** Errors of the division are no reason for another step. */
const roundUp = (value: number, step: number): number => Math.ceil(Number((value / step).toFixed(6))) * step;

/** Seconds of a month in which something runs that runs `count` times for `seconds`, at times that chance spreads evenly. */
export const sharedSeconds = (count: number, seconds: number): number =>
  MONTH_SECONDS * -Math.expm1((-count * seconds) / MONTH_SECONDS);

/** What a quantity costs whose price, of a million, falls in tiers: each part at the price of its tier. */
export function tiered(quantity: number, tiers: readonly { readonly from: number; readonly amount: number }[]): number {
  return tiers.reduce((sum, { from, amount }, index) => {
    const to = tiers[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    return sum + (Math.max(0, Math.min(quantity, to) - from) * amount) / 1e6;
  }, 0);
}
