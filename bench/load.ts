/**
 * The load generator's side of a contender, in a process of its own: rounds come in over IPC, what they took goes back.
 * All contenders are driven by this one loop; they differ in `perform` only, which starts an execution through the
 * contender's own client and resolves with its result once its end is stored, or does the one part of that which is asked for.
 */
import { isDeepStrictEqual } from 'node:util';
import { toJob, type Job, type Part, type Round, type RoundResult } from './workload';

type Perform = (id: string, job: Job, part: Part | undefined) => Promise<unknown>;

/** What the bench's process is told. */
export type DriverMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly result: RoundResult }
  | { readonly type: 'failed'; readonly message: string };

/** Says that it is ready, and answers rounds until the channel ends; `close` then lets go of what the client holds. */
export function serveRounds(perform: Perform, close: () => void | Promise<void>): void {
  process.on('message', (round: Round) => {
    runRound(perform, round).then(
      (result) => tell({ type: 'result', result }),
      (error: unknown) =>
        tell({ type: 'failed', message: error instanceof Error ? (error.stack ?? '') : String(error) }),
    );
  });
  process.on('disconnect', () => {
    void Promise.resolve(close()).finally(() => process.exit(0));
  });
  tell({ type: 'ready' });
}

function tell(message: DriverMessage): void {
  process.send?.(message);
}

async function runRound(perform: Perform, round: Round): Promise<RoundResult> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < round.count) {
      const id = `${round.prefix}-${next++}`;
      const job = toJob(round, id);
      const startedAt = performance.now();
      const result = await perform(id, job, round.part);
      latencies.push(performance.now() - startedAt);
      if (round.part !== 'start' && !isDeepStrictEqual(result, job.expected)) {
        throw new Error(`${id}: expected ${JSON.stringify(job.expected)}, got ${JSON.stringify(result)}`);
      }
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: Math.min(round.inFlight, round.count) }, worker));
  return { latencies, elapsed: performance.now() - startedAt };
}
