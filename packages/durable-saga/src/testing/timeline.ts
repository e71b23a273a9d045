/** What happened in a run, line by line; the lines are made when somebody reads them. */
export class Timeline {
  readonly #start: number;
  readonly #entries: { readonly at: number; readonly where: string; readonly text: () => string | undefined }[] = [];

  /** Milliseconds since the epoch at which it begins. */
  constructor(start: number) {
    this.#start = start;
  }

  /** Notes what happened; what has no text is left out. */
  note(at: number, where: string, text: () => string | undefined): void {
    this.#entries.push({ at, where, text });
  }

  get lines(): string[] {
    const width = Math.max(0, ...this.#entries.map(({ where }) => where.length));
    return this.#entries.flatMap(({ at, where, text }) => {
      const line = text();
      return line === undefined
        ? []
        : [`${formatSpan(at - this.#start).padStart(12)}  ${where.padEnd(width)}  ${line}`];
    });
  }
}

const UNITS = [
  ['d', 24 * 3_600_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** e.g. `+1d 2h 30.5s` */
export function formatSpan(milliseconds: number): string {
  let rest = milliseconds;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  if (rest > 0 || parts.length === 0) parts.push(`${rest / 1_000}s`);
  return `+${parts.join(' ')}`;
}
