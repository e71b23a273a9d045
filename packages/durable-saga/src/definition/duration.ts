type Unit =
  | 'ms'
  | 'millisecond'
  | 'milliseconds'
  | 's'
  | 'second'
  | 'seconds'
  | 'm'
  | 'minute'
  | 'minutes'
  | 'h'
  | 'hour'
  | 'hours'
  | 'd'
  | 'day'
  | 'days';

/** A length of time: milliseconds as a number, or words such as `'30 seconds'`, `'1.5 hours'`, `'200 ms'`. */
export type Duration = number | `${number} ${Unit}`;

const MILLISECONDS: Readonly<Record<Unit, number>> = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/** Dates reach little further than that from now, and statuses show when a wait ends. */
const LONGEST = 100 * 365.25 * 86_400_000;

/** Whole milliseconds of a duration. Throws a `RangeError` that names `where` if it is no duration, negative or above 100 years. */
export function toMilliseconds(duration: Duration, where: string): number {
  const milliseconds = typeof duration === 'number' ? duration : parse(duration);
  if (milliseconds === undefined || !Number.isFinite(milliseconds) || milliseconds < 0) {
    throw new RangeError(
      `${where}: expected a duration such as 1500 (milliseconds), '30 seconds' or '12 hours', got ${JSON.stringify(duration)}`,
    );
  }
  if (milliseconds > LONGEST) {
    throw new RangeError(`${where}: expected a duration of 100 years at most, got ${JSON.stringify(duration)}`);
  }
  return Math.round(milliseconds);
}

/** The same for the time that something may take. Throws for none at all, too: nothing could ever be done in time. */
export function toTimeout(duration: Duration, where: string): number {
  const milliseconds = toMilliseconds(duration, where);
  if (milliseconds > 0) return milliseconds;
  throw new RangeError(
    `${where}: expected at least 1 ms, got ${JSON.stringify(duration)}; leave it out where there is no limit`,
  );
}

function parse(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const [amount, unit, ...rest] = text.trim().split(/\s+/);
  if (amount === undefined || unit === undefined || rest.length > 0 || !isUnit(unit)) return undefined;
  return Number(amount) * MILLISECONDS[unit];
}

function isUnit(word: string): word is Unit {
  return Object.hasOwn(MILLISECONDS, word);
}
