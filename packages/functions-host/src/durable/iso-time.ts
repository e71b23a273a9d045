/** Milliseconds since the Unix epoch as `2026-11-21T08:31:13.370Z`. */
export function toIso(at: number): string {
  return new Date(at).toISOString();
}

/** The same as `2026-11-21T08:31:13.370+00:00`, as the real host writes some of its times. */
export function toIsoWithOffset(at: number): string {
  return toIso(at).replace('Z', '+00:00');
}
