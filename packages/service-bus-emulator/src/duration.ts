/*
 * Durations as Config.json and the administration API write them: ISO 8601, `P1DT2H3M4.5S`. Azure counts in ticks of 100 ns
 * in 64 bits; the longest duration that it can write means "never" and is Infinity here.
 */
const NEVER = 'P10675199DT2H48M5.4775807S';
const NEVER_MS = ((10_675_199 * 24 + 2) * 60 + 48) * 60_000 + 5_477;

const SYNTAX =
  /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** In milliseconds of the parts of a duration, in the order in which they are written. A year has 365 days and a month 30, as .NET reads them. */
const UNITS = [365 * 86_400_000, 30 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000];

/** `PT1M` -> 60,000 milliseconds; undefined for what is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = SYNTAX.exec(text);
  if (match === null) return undefined;
  const total = UNITS.reduce((sum, unit, at) => sum + Number(match[at + 1] ?? 0) * unit, 0);
  return total >= NEVER_MS ? Infinity : Math.round(total);
}

/** 60,000 milliseconds -> `PT1M`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds >= NEVER_MS) return NEVER;
  const days = Math.floor(milliseconds / 86_400_000);
  const hours = Math.floor(milliseconds / 3_600_000) % 24;
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = (milliseconds % 60_000) / 1_000;
  const time = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${seconds ? `${seconds}S` : ''}`;
  if (!days && !time) return 'PT0S';
  return `P${days ? `${days}D` : ''}${time ? `T${time}` : ''}`;
}
