import type { InvocationContext, TimerHandler } from '@azure/functions';
import type { Clock, SagaRows } from '../../ports';

/** As many as are started in one go; the next minute takes the next ones. */
const AT_ONCE = 500;

interface Deps<Id> {
  readonly what: 'order' | 'return';
  readonly rows: Pick<SagaRows<Id>, 'listUnstarted'>;
  readonly sagas: (context: InvocationContext) => {
    readonly taskHub: string | undefined;
    start(id: Id): Promise<void>;
  };
  readonly clock: Clock;
  /** Milliseconds: younger rows are just being started by whoever accepted them. */
  readonly startGrace: number;
}

/**
 * Each minute: starts the sagas of what this app accepted but, after a crash or an outage, never started. What another app
 * accepted is its own to start.
 */
export function startLostSagas<Id extends string>({ what, rows, sagas, clock, startGrace }: Deps<Id>): TimerHandler {
  return async (_timer, context) => {
    const acceptedBefore = new Date(clock.now().getTime() - startGrace);
    const reached = sagas(context);
    const lost = await rows.listUnstarted(reached.taskHub, { acceptedBefore, limit: AT_ONCE });
    if (lost.length === 0) return;
    let failed = 0;
    for (const id of lost) {
      try {
        await reached.start(id);
      } catch (error) {
        failed += 1;
        context.warn(`${what} ${id} could not be started:`, error);
      }
    }
    context.log(`started ${lost.length - failed} ${what}s whose start had been lost`);
    if (failed > 0) {
      throw new Error(`${failed} of ${lost.length} lost ${what}s could not be started; they stay for the next run`);
    }
  };
}
