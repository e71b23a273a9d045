/*
 * When a host is at rest.
 *
 * Virtual time may go on when nothing would happen any more without it. Everything that leaves the process or waits for it is
 * counted from its begin to its end: functions, requests, what triggers do with storage; the engine knows its own turns and
 * commits. What lies between two of those (an activity has ended, its result is on its way to the orchestration) is done by
 * promises alone, and promises are done within a turn of the event loop. So the host is at rest when nothing is counted, at two
 * turns in a row.
 *
 * What never ends is told by name: a function that waits for what does not come, an orchestration that goes round for ever.
 */
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { realClock } from '../clock';
import type { InFlight } from '../in-flight';

/** Counts what is under way. */
export interface CountedWork extends InFlight {
  /** In words, oldest first. */
  list(): readonly string[];
}

export function createCountedWork(): CountedWork {
  const entries = new Set<{ readonly what: string }>();
  return {
    begin(what) {
      const entry = { what };
      entries.add(entry);
      return () => {
        entries.delete(entry);
      };
    },
    list: () => [...entries].map(({ what }) => what),
  };
}

const quietTurns = 2;
/** Turns without a pause: what is done in this process is done within these, and what is waited for from outside takes longer. */
const eagerTurns = 200;
const mostNamed = 10;

/**
 * Resolves when the host is at rest.
 * @param work gives what is under way, in words; empty when nothing is.
 * @param patienceMs how long that may take, in real milliseconds.
 * @throws Error that names what keeps running.
 */
export async function comeToRest(work: () => readonly string[], patienceMs: number): Promise<void> {
  const begun = realClock.now();
  for (let turns = 0, quiet = 0; quiet < quietTurns; turns++) {
    await (turns < eagerTurns ? nextTurn() : pause(1));
    const left = work();
    quiet = left.length === 0 ? quiet + 1 : 0;
    if (realClock.now() - begun > patienceMs && left.length > 0) throw new Error(describe(left, patienceMs));
  }
}

function describe(left: readonly string[], patienceMs: number): string {
  const counts = new Map<string, number>();
  for (const what of left) counts.set(what, (counts.get(what) ?? 0) + 1);
  const lines = [...counts].map(([what, count]) => (count === 1 ? what : `${what} (${count} times)`));
  const more = lines.length > mostNamed ? `, and ${lines.length - mostNamed} more` : '';
  return (
    `The host has not come to rest within ${patienceMs} ms of real time (option patienceMs). ` +
    `Still running: ${lines.slice(0, mostNamed).join(', ')}${more}.`
  );
}
