const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['ms', 1],
] as const;

/** A length of time in words, to at most two units: `12 hours`, `1 day 12 hours`. */
export function inWords(milliseconds: number): string {
  let rest = milliseconds;
  const words: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 && words.length < 2) words.push(`${count} ${unit}${count === 1 || unit === 'ms' ? '' : 's'}`);
  }
  return words.length === 0 ? '0 ms' : words.join(' ');
}
