const units = {
  ms: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
} as const;

/** Timers further away than this are mistakes, not waits. */
const LONGEST_DAYS = 3650;

/** Reads `500 ms`, `90 seconds`, `1 hour`, `24 hours` or `3 days` as milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}) ?(ms|second|minute|hour|day)s?$/.exec(text);
  if (!match || text.endsWith('mss')) return undefined;
  const [, count, unit] = match;
  const duration = Number(count) * units[unit as keyof typeof units];
  return duration > LONGEST_DAYS * units.day ? undefined : duration;
}
