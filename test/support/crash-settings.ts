import { appendFileSync } from 'node:fs';
import type { RunningAppOptions } from './running-app';

/**
 * How long and how hard a crash test is, by settings that have `CRASH_` before their names. Each run has another seed, which is
 * part of the test's title; CRASH_SEED repeats one as far as chance allows. CRASH_LOG names a file for what the app prints.
 */
export function readCrashSettings<Name extends string>(
  usual: Readonly<Record<Name, number>>,
): {
  readonly seed: number;
  readonly counts: Readonly<Record<Name, number>>;
  readonly onOutput: NonNullable<RunningAppOptions['onOutput']>;
} {
  const read = (name: string, otherwise: number): number => Number(process.env[`CRASH_${name}`] ?? otherwise);
  const entries = Object.entries<number>(usual).map(([name, otherwise]) => [name, read(name, otherwise)] as const);
  const logFile = process.env['CRASH_LOG'];
  return {
    seed: read('SEED', Math.floor(Math.random() * 1_000_000)),
    counts: Object.fromEntries(entries) as Record<Name, number>,
    onOutput: (text) => {
      if (logFile !== undefined) appendFileSync(logFile, text);
    },
  };
}
