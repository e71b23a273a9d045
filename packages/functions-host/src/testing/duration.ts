const units: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
};

type Unit = 'ms' | 'millisecond' | 'second' | 'minute' | 'hour' | 'day' | 'week';

/** A length of time: milliseconds as a number, or words such as `'3 days'`, `'1.5 hours'`, `'200 ms'`. */
export type Duration = number | `${number} ${Unit | `${Unit}s`}`;

/** Whole milliseconds. @throws RangeError that names `where` if it is no duration, or negative. */
export function toMilliseconds(duration: Duration, where: string): number {
  const milliseconds = typeof duration === 'number' ? duration : parse(duration);
  if (milliseconds !== undefined && Number.isFinite(milliseconds) && milliseconds >= 0) return Math.round(milliseconds);
  throw new RangeError(
    `${where}: expected a length of time such as 1500 (milliseconds), '30 seconds' or '3 days', got ${JSON.stringify(duration)}.`,
  );
}

function parse(text: unknown): number | undefined {
  const [, amount, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s+([a-z]+)\s*$/.exec(String(text)) ?? [];
  const milliseconds = Object.hasOwn(units, unit) ? units[unit] : units[unit.replace(/s$/, '')];
  return amount === undefined || milliseconds === undefined ? undefined : Number(amount) * milliseconds;
}
