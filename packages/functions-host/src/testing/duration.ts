/** A length of time: milliseconds, or a text such as `3 days`, `90 minutes`, `1 hour 30 minutes`, `250 ms`. */
export type Duration = number | string;

const units: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 60 * 60_000,
  hour: 60 * 60_000,
  d: 24 * 60 * 60_000,
  day: 24 * 60 * 60_000,
  w: 7 * 24 * 60 * 60_000,
  week: 7 * 24 * 60 * 60_000,
};

/**
 * Milliseconds of a duration.
 * @throws Error saying what a duration is like, and what came.
 */
export function toMilliseconds(duration: Duration): number {
  const ms = typeof duration === 'number' ? duration : parse(duration);
  if (ms >= 0) return ms;
  throw new Error(
    `A duration must be milliseconds, 0 or more, or a text such as '3 days' or '1 hour 30 minutes'; got ${JSON.stringify(duration)}.`,
  );
}

/** NaN for what is none. */
function parse(text: string): number {
  if (!/^\s*(?:\d+(?:\.\d+)?\s*[a-z]+[\s,]*)+$/i.test(text)) return NaN;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)];
  return parts.reduce((sum, [, amount, name]) => sum + Number(amount) * unitOf(name ?? ''), 0);
}

function unitOf(name: string): number {
  const lowerCased = name.toLowerCase();
  return units[lowerCased] ?? units[lowerCased.replace(/s$/, '')] ?? NaN;
}
