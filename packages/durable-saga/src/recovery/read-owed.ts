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
import type { OwedCall, OwedReport, Refused } from './owed-report';
import { READ_OWED } from './owed-report';
import { recoveryIdOf } from '../runner/instance-id';
import type { BegunSaga } from '../runner/run-saga';
import { beginSaga } from '../runner/run-saga';
import { CANCEL_EVENT } from '../definition/saga';
import { schemaOf } from '../definition/schema';
import type { OwedData } from '../runner/undo-stack';

const callSchema = schemaOf<OwedCall>(({ id }) => {
  const issues: Issue[] = [];
  if (typeof id !== 'string') issues.push({ path: 'id', message: 'expected a string' });
  return issues;
});

const reportSchema = schemaOf<OwedReport>(() => []);

/** The toolkit's own activity that reads from an instance's history what it owes. */
export function readOwed(definitions: Definitions): Activity<OwedCall, OwedReport, unknown> {
  return activity({
    name: READ_OWED,
    input: callSchema,
    output: reportSchema,
    usesClient: true,
    run:
      () =>
      async ({ id, asChild = false }, { client }) => {
        if (asChild) return reportOnChild(client, definitions, id, true);
        const shown = await readShownInstance(client, id);
        if (shown === undefined) return refuse('unreadable', `there is no instance '${id}' (any more)`);
        if (!isStopped(shown)) return refuse('notStopped', `'${id}' is ${shown.runtimeStatus}: nothing has stopped it`);
        return reportOn(client, definitions, id, shown, false);
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
  asChild: boolean,
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
  // A child that has done all that it had to do owes it to its parent.
  if (((isOver && !past.isContinued) || instance.isDone) && !asChild)
    return refuse('nothing', `'${id}' had done all that it had to do`);
  const open = new OpenChildren(client, definitions, past, instance.takenOver);
  const owed = await open.addTo(waitForUnanswered(past, begun, definitions, endOf(shown)));
  if ('verdict' in owed) return owed;
  const isIncomplete = instance.undoWasGivenUp || open.isIncomplete;
  if (owed.length === 0 && undos.count === 0 && saga.settled === undefined) {
    return { ...refuse('nothing', `'${id}' owes nothing`), isIncomplete };
  }
  return owes(id, shown, saga.name, owed, { isIncomplete, failure: instance.progress.failure });
}

function owes(
  id: string,
  { runtimeStatus, output }: ShownInstance,
  saga: string,
  owed: readonly OwedData[],
  { isIncomplete = false, failure }: { readonly isIncomplete?: boolean; readonly failure?: Failure | undefined } = {},
): OwedReport {
  const how = runtimeStatus === 'Terminated' ? 'terminated' : 'failed';
  const why = typeof output === 'string' && output !== '' ? `: ${output.slice(0, 500)}` : '';
  const message = `the saga '${id}' was ${how} on the platform${why}`;
  const stopped: Failure = { kind: 'host', code: how, message, retriable: false, effect: 'unknown' };
  return { verdict: 'owes', saga, owed, isIncomplete, failure: failure ?? stopped };
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

/** The children whose ends a saga did not get. */
class OpenChildren {
  readonly #client: DurableClient;
  readonly #definitions: Definitions;
  readonly #ids: ReadonlySet<string>;
  readonly #lost: ReadonlySet<string>;
  /** An operator had given up an undo of one of them. */
  isIncomplete = false;

  /** `takenOver`: lost ones, whose undos the saga has on its own stack already. */
  constructor(client: DurableClient, definitions: Definitions, past: HistoryDurable, takenOver: readonly string[]) {
    this.#client = client;
    this.#definitions = definitions;
    this.#lost = new Set(past.lostChildren());
    this.#ids = new Set([...past.runningChildren(), ...this.#lost].filter((id) => !takenOver.includes(id)));
  }

  /** Puts what they owe at their places. */
  async addTo(owed: readonly OwedData[]): Promise<readonly OwedData[] | Refusal> {
    const all: OwedData[] = [];
    for (const one of owed) {
      const found = 'group' in one ? await this.#addToGroup(one) : [one];
      if ('verdict' in found) return found;
      all.push(...found);
    }
    return all;
  }

  async #addToGroup(one: Extract<OwedData, { readonly group: unknown }>): Promise<readonly OwedData[] | Refusal> {
    const { child } = one;
    if (child === undefined || !this.#ids.has(child.id)) {
      const group = await this.addTo(one.group);
      if ('verdict' in group) return group;
      return group.length > 0 || child !== undefined ? [{ ...one, group }] : [];
    }
    const report = await reportOnChild(this.#client, this.#definitions, child.id, this.#lost.has(child.id));
    this.isIncomplete ||= report.isIncomplete === true;
    if (report.verdict === 'owes') return [{ ...one, group: report.owed }];
    return report.verdict === 'nothing' ? [] : refuse(report.verdict, `of its child: ${report.message}`);
  }
}

/** What a child leaves to its parent, which did not get its end. `wasThere`: it had been started for sure. */
async function reportOnChild(
  client: DurableClient,
  definitions: Definitions,
  id: string,
  wasThere: boolean,
): Promise<OwedReport> {
  const shown = await readShownInstance(client, id);
  if (shown === undefined) {
    return refuse(wasThere ? 'unreadable' : 'nothing', `there is no instance '${id}' (any more)`);
  }
  if (shown.runtimeStatus === 'Completed') return reportOnEnd(id, shown);
  if (!isStopped(shown)) {
    await client.raiseEvent(id, CANCEL_EVENT, { reason: 'its parent was stopped' });
    throw again('childRunning', `the child '${id}' is still running; it has been told to go back`);
  }
  const recovered = await readShownInstance(client, recoveryIdOf(id));
  if (recovered !== undefined && !isStopped(recovered)) {
    if (recovered.runtimeStatus !== 'Completed') throw again('childRecovering', `the child '${id}' is being recovered`);
    const { outcome } = (recovered.output ?? {}) as { readonly outcome?: unknown };
    if (outcome === 'compensated') return refuse('nothing', `'${id}' was recovered`);
  }
  return reportOn(client, definitions, id, shown, true);
}

function reportOnEnd(id: string, shown: ShownInstance): OwedReport {
  const end = readChildEnd(shown.output);
  if (end === undefined) return refuse('unreadable', `'${id}' gave back what no child saga gives back`);
  if (end.$child.pivot === 'passed') return refuse('pastPivot', `'${id}' has passed its pivot`);
  if (end.outcome !== 'completed') {
    return { ...refuse('nothing', `'${id}' has ended ${end.outcome}`), isIncomplete: end.outcome !== 'compensated' };
  }
  return owes(id, shown, shown.name, end.$child.owed);
}

function again(code: string, message: string): StepFailure {
  return new StepFailure({ code, message, retriable: true, effect: 'none' });
}

type Refusal = Extract<OwedReport, { verdict: Refused }>;

function refuse(verdict: Refused, message: string): Refusal {
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
