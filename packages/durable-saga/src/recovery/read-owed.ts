import type { Activity } from '../definition/activity';
import { activity } from '../definition/activity';
import { readChildEnd } from '../runner/child-end';
import type { Definitions } from '../definition/definitions';
import { findActivity } from '../definition/definitions';
import type { DurableClient, ShownInstance } from '../host/durable-functions';
import { readShownInstance } from '../host/durable-functions';
import type { Failure, Issue } from '../definition/failure';
import { messageOf, StepFailure } from '../definition/failure';
import { HistoryDurable } from './history-durable';
import { recoveryIdOf } from '../runner/instance-id';
import type { BegunSaga } from '../runner/run-saga';
import { beginSaga } from '../runner/run-saga';
import { CANCEL_EVENT } from '../definition/saga';
import { schemaOf } from '../definition/schema';
import type { OwedData, OwingChild } from '../runner/undo-stack';

/**
 * What a saga that the platform ended leaves behind. The verdicts:
 *
 * - `owes`       its undos, which may be none where only its `settled` is still to be told
 * - `nothing`    it has done its work, or undone it
 * - `pastPivot`  its pivot, or that of a child, has started: it can't be undone
 * - `notStopped` it runs, or has ended by itself
 * - `unreadable` there is no history (any more), or the saga as it is now does not follow it
 */
export type OwedReport =
  | {
      readonly verdict: 'owes';
      readonly saga: string;
      readonly owed: readonly OwedData[];
      /** An operator had given up an undo. */
      readonly isIncomplete: boolean;
      /** Why the saga goes back. */
      readonly failure: Failure;
    }
  | { readonly verdict: Refused; readonly message: string };

export type Refused = 'nothing' | 'pastPivot' | 'notStopped' | 'unreadable';

export const READ_OWED = 'durableSagaReadOwed';

const callSchema = schemaOf<{ readonly id: string }>(({ id }) => {
  const issues: Issue[] = [];
  if (typeof id !== 'string') issues.push({ path: 'id', message: 'expected a string' });
  return issues;
});

const reportSchema = schemaOf<OwedReport>(() => []);

/** The toolkit's own activity that reads from an instance's history what it owes. */
export function readOwed(definitions: Definitions): Activity<{ readonly id: string }, OwedReport, unknown> {
  return activity({
    name: READ_OWED,
    input: callSchema,
    output: reportSchema,
    usesClient: true,
    run:
      () =>
      async ({ id }, { client }) => {
        const shown = await readShownInstance(client, id);
        if (shown === undefined) return refuse('unreadable', `there is no instance '${id}' (any more)`);
        if (!isStopped(shown)) return refuse('notStopped', `'${id}' is ${shown.runtimeStatus}: nothing has stopped it`);
        return reportOn(client, definitions, id, shown);
      },
  });
}

function isStopped({ runtimeStatus }: ShownInstance): boolean {
  return runtimeStatus === 'Terminated' || runtimeStatus === 'Failed' || runtimeStatus === 'Canceled';
}

async function reportOn(
  client: DurableClient,
  definitions: Definitions,
  id: string,
  shown: ShownInstance,
): Promise<OwedReport> {
  const saga = [...definitions.sagas.values()].find(({ name }) => name.toLowerCase() === shown.name.toLowerCase());
  if (saga === undefined)
    return refuse('unreadable', `'${id}' is an instance of '${shown.name}', which is no saga here`);
  const startedAt = startOf(shown.customStatus);
  const { historyEvents: events = [], input } = shown;
  // Without a status there was no turn: nothing has been tried.
  if (startedAt === undefined) return owes(id, shown, saga.name, []);
  if (events.length === 0) return refuse('unreadable', `the history of '${id}' is gone`);
  const past = new HistoryDurable({ instanceId: id, input, startedAt, events });
  const begun = beginSaga(past, saga, definitions);
  let isOver: boolean;
  try {
    ({ isOver } = past.relive(begun.life));
  } catch (error) {
    return refuse('unreadable', messageOf(error));
  }
  const { instance, undos } = begun;
  const { pivot } = instance.progress;
  if (pivot !== 'none') {
    return refuse('pastPivot', `the pivot of '${id}' has ${pivot}: what it has done can't be undone automatically`);
  }
  if ((isOver && !past.isContinued) || instance.isDone)
    return refuse('nothing', `'${id}' had done all that it had to do`);
  const owed = await withOpenChildren(
    client,
    definitions,
    past,
    waitForUnanswered(past, begun, definitions, endOf(shown)),
  );
  if ('verdict' in owed) return owed;
  if (owed.length === 0 && undos.count === 0 && saga.settled === undefined) {
    return refuse('nothing', `'${id}' owes nothing`);
  }
  return owes(id, shown, saga.name, owed, begun);
}

function owes(
  id: string,
  { runtimeStatus, output }: ShownInstance,
  saga: string,
  owed: readonly OwedData[],
  begun?: BegunSaga,
): OwedReport {
  const how = runtimeStatus === 'Terminated' ? 'terminated' : 'failed';
  const why = typeof output === 'string' && output !== '' ? `: ${output.slice(0, 500)}` : '';
  const message = `the saga '${id}' was ${how} on the platform${why}`;
  const stopped: Failure = { kind: 'host', code: how, message, retriable: false, effect: 'unknown' };
  const { progress, undoWasGivenUp = false } = begun?.instance ?? {};
  return { verdict: 'owes', saga, owed, isIncomplete: undoWasGivenUp, failure: progress?.failure ?? stopped };
}

/** An attempt that the end of its saga overtook may still be running: its undo waits for that. */
function waitForUnanswered(
  past: HistoryDurable,
  { undos }: BegunSaga,
  definitions: Definitions,
  endedAt: number,
): readonly OwedData[] {
  const own = `${past.instanceId}/`;
  const wait = (owed: OwedData): OwedData => {
    if ('group' in owed) return { ...owed, group: owed.group.map(wait) };
    const { activity: name, key } = owed;
    if (owed.output !== undefined || !key.startsWith(own)) return owed;
    if (!past.unanswered(name).includes(key.slice(own.length))) return owed;
    const { settleWithin, timeout = 0 } = findActivity(definitions, name);
    return { ...owed, notBefore: Math.max(owed.notBefore ?? 0, endedAt + (owed.timeout ?? timeout) + settleWithin) };
  };
  return undos.toData().map(wait);
}

/** Puts what open children owe at their places. */
async function withOpenChildren(
  client: DurableClient,
  definitions: Definitions,
  past: HistoryDurable,
  owed: readonly OwedData[],
): Promise<readonly OwedData[] | Extract<OwedReport, { verdict: Refused }>> {
  const open = new Set(past.openChildren());
  const all: OwedData[] = [];
  for (const one of owed) {
    if (!('group' in one)) {
      all.push(one);
      continue;
    }
    const isOpen = one.child !== undefined && open.has(one.child.id);
    const group = isOpen
      ? await owedByChild(client, definitions, one.child)
      : await withOpenChildren(client, definitions, past, one.group);
    if ('verdict' in group) return group;
    if (group.length > 0 || (one.child !== undefined && !isOpen)) all.push({ ...one, group });
  }
  return all;
}

async function owedByChild(
  client: DurableClient,
  definitions: Definitions,
  { id }: OwingChild,
): Promise<readonly OwedData[] | Extract<OwedReport, { verdict: Refused }>> {
  const shown = await readShownInstance(client, id);
  if (shown === undefined) return [];
  if (shown.runtimeStatus === 'Completed') {
    const end = readChildEnd(shown.output);
    if (end?.$child.pivot === 'passed') return refuse('pastPivot', `its child '${id}' has passed its pivot`);
    return end?.$child.owed ?? [];
  }
  if (!isStopped(shown)) {
    await client.raiseEvent(id, CANCEL_EVENT, { reason: 'its parent was stopped' });
    throw again('childRunning', `the child '${id}' is still running; it has been told to go back`);
  }
  const recovered = await readShownInstance(client, recoveryIdOf(id));
  if (recovered !== undefined && !isStopped(recovered)) {
    if (recovered.runtimeStatus !== 'Completed') throw again('childRecovering', `the child '${id}' is being recovered`);
    if ((recovered.output as { readonly outcome?: unknown } | null)?.outcome === 'compensated') return [];
  }
  const report = await reportOn(client, definitions, id, shown);
  if (report.verdict === 'owes') return report.owed;
  return report.verdict === 'nothing' ? [] : refuse(report.verdict, `of its child: ${report.message}`);
}

function again(code: string, message: string): StepFailure {
  return new StepFailure({ code, message, retriable: true, effect: 'none' });
}

function refuse(verdict: Refused, message: string): Extract<OwedReport, { verdict: Refused }> {
  return { verdict, message };
}

function startOf(status: unknown): number | undefined {
  if (typeof status !== 'object' || status === null || !('startedAt' in status)) return undefined;
  return typeof status.startedAt === 'string' ? Date.parse(status.startedAt) : undefined;
}

function endOf({ historyEvents = [], lastUpdatedTime }: ShownInstance): number {
  const times = [lastUpdatedTime, ...historyEvents.map((event) => event['Timestamp'])];
  return Math.max(...times.map((time) => (typeof time === 'string' ? Date.parse(time) : 0)));
}
