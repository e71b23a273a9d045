import { activity } from '../definition/activity';
import type { DurableClient } from './durable-functions';
import type { Issue } from '../definition/failure';
import { StepFailure } from '../definition/failure';
import { CANCEL_EVENT } from '../definition/saga';
import { schemaOf } from '../definition/schema';

/**
 * What a child says to a cancel. `honoured`: it goes back. `refused`: its pivot has started. `ended`: it has done what it
 * had to do without a pivot, and its end says the rest. `asked`: it has been told, and has not said anything yet.
 */
export type ChildWord = 'honoured' | 'refused' | 'ended' | 'asked';

interface CancelCall {
  readonly id: string;
  /** False once it has been told: a second event might be taken for a second cancel. */
  readonly raise: boolean;
  readonly reason: string;
}

const callSchema = schemaOf<CancelCall>(({ id, raise }) => {
  const issues: Issue[] = [];
  if (typeof id !== 'string') issues.push({ path: 'id', message: 'expected a string' });
  if (typeof raise !== 'boolean') issues.push({ path: 'raise', message: 'expected a boolean' });
  return issues;
});

const wordSchema = schemaOf<{ readonly word: ChildWord }>(() => []);

/**
 * The toolkit's own activity that hands a cancel on to a child saga. It tells the child, or looks what the child made of
 * it. A child that is not there yet, or has not answered yet, is asked again.
 */
export const cancelChild = activity({
  name: 'durableSagaCancelChild',
  input: callSchema,
  output: wordSchema,
  usesClient: true,
  retry: { first: 50, factor: 2, cap: '1 minute', attempts: 1_000_000 },
  run:
    () =>
    async ({ id, raise, reason }, { client }) => {
      const word = await look(client, id);
      if (word !== 'asked') return { word };
      if (raise) await client.raiseEvent(id, CANCEL_EVENT, { reason });
      else {
        const message = `the child saga '${id}' has not said yet whether it can be cancelled`;
        throw new StepFailure({ code: 'undecided', message, retriable: true, effect: 'none' });
      }
      return { word };
    },
});

async function look(client: DurableClient, id: string): Promise<ChildWord> {
  const { runtimeStatus, customStatus } = await client.getStatus(id, { showInput: false });
  if (!['Pending', 'Running', 'Suspended', 'ContinuedAsNew'].includes(runtimeStatus)) return 'ended';
  if (typeof customStatus !== 'object' || customStatus === null) return 'asked';
  const { cancel, pivot } = customStatus as { cancel?: unknown; pivot?: unknown };
  if (cancel === 'honoured') return 'honoured';
  if (cancel !== 'refused') return pivot === undefined || pivot === 'none' ? 'asked' : 'refused';
  return pivot === 'none' ? 'ended' : 'refused';
}
