/** Milliseconds since the Unix epoch as `2026-11-21T08:31:13.370Z`. */
export function toIso(at: number): string {
  return new Date(at).toISOString();
}

/**
 * The time at which something was asked for, the `nth` of its millisecond, as `2026-11-21T08:31:13.3700001Z`: all that a
 * turn asks for has the turn's time, and the digits of 100 ns, which the real host has, too, tell the order. Of more than
 * 9,999 it does not tell that of the rest.
 */
export function toIsoInTurn(at: number, nth: number): string {
  return toIso(at).replace('Z', `${String(Math.min(nth, 9_999)).padStart(4, '0')}Z`);
}

/** A time with a zone's offset in place of its Z, as the real host writes some of its times. */
export function withOffset(iso: string): string {
  return iso.replace('Z', '+00:00');
}
