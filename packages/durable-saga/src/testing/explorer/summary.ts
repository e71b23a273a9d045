/** What is told of one exploration, or of several. */
export interface Counts {
  readonly schedules: number;
  readonly violations: number;
  /** Milliseconds. */
  readonly elapsed: number;
}

/** Several explorations in a line, such as those of a saga's paths: `placeOrder: 1,412 schedules, 0 violations, 2.1 s`. */
export function sumUp(name: string, explorations: readonly Counts[]): string {
  const sum = (of: keyof Counts): number => explorations.reduce((total, one) => total + one[of], 0);
  const seconds = (sum('elapsed') / 1_000).toFixed(1);
  return `${name}: ${count(sum('schedules'), 'schedule')}, ${count(sum('violations'), 'violation')}, ${seconds} s`;
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en-US')} ${what}${number === 1 ? '' : 's'}`;
}
