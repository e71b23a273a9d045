import type { InstanceStatus } from '../store/store';
import type { ExecutionEnd, OpenedTask, Orchestrators, StepOutcome, TurnSoFar } from './execution';
import type { EntityMail } from './entity-messages';
import { isForEntities, openForEntities, toReleasesOf, type EntityTask } from './entity-outcome';
import type { Failure, FedEvent, HistoryEvent, OpenedEvent } from './history';
import { applyEvent, type Instance, type OpenWork } from './instance';
import type { Parcel } from './messages';
import { nextAttemptAt } from './retry';

/** What a turn comes to: its events, and all that is to be written and started because of them. */
export interface Turn extends TurnSoFar {
  readonly events: HistoryEvent[];
  /** What to start once the turn is committed. */
  readonly work: OpenWork[];
  readonly cancelledTimers: number[];
  /** JSON, or null to empty it; undefined when it stays as it is. */
  output: string | null | undefined;
  /** JSON; undefined when it stays as it is. */
  customStatus: string | undefined;
  status: InstanceStatus;
  /** Input of the next execution (JSON), when this one continued as new. */
  continuedWith: string | undefined;
  /** Messages that were looked at but have to wait. */
  waiting: Parcel[];
  /** Messages that are done with. */
  readonly used: Parcel[];
  /** Open work that ends with this turn, when the execution ends. */
  abandoned: OpenWork[];
  /** Messages to entities, committed with the turn. */
  mail: EntityMail[];
}

/** Status texts beyond this many UTF-16 code units are refused, as in Azure: 16 KB in UTF-16. */
const LONGEST_CUSTOM_STATUS = 8192;

export function note(turn: Turn, event: HistoryEvent): void {
  turn.events.push(event);
}

export function record(instance: Instance, turn: Turn, event: HistoryEvent): void {
  turn.events.push(event);
  applyEvent(instance, event);
  if (event.kind !== 'timerFired') return;
  // What waits for a timer was opened together with it.
  const next = instance.open.get(event.id + 1);
  if (next?.kind === 'activity' && next.after === event.id) turn.work.push(next);
}

/** Records what the code did. Returns events to feed at once: pauses of retried tasks that get no further attempt. */
export function readOutcome(
  instance: Instance,
  orchestrators: Orchestrators,
  turn: Turn,
  outcome: StepOutcome,
  fed: readonly FedEvent[],
): FedEvent[] {
  readCustomStatus(instance, turn, outcome.customStatus);
  const again: FedEvent[] = [];
  if (outcome.end?.kind !== 'failed') {
    for (const id of outcome.cancelledTimers) {
      record(instance, turn, { kind: 'timerCancelled', id });
      turn.cancelledTimers.push(id);
    }
  }
  for (const task of outcome.opened) {
    if (task.kind === 'retryTimer') {
      const followUp = openRetryTimer(instance, turn, task, fed);
      if (followUp !== undefined) again.push(followUp);
    } else if (isForEntities(task)) {
      openForEntities(instance, orchestrators, turn, task);
    } else {
      open(instance, turn, toOpenedEvent(instance, orchestrators, turn, task));
    }
  }
  if (outcome.end !== undefined) end(instance, turn, outcome.end);
  return again;
}

function readCustomStatus(instance: Instance, turn: Turn, status: string | undefined): void {
  if (status === undefined || status === instance.customStatus) return;
  if (status.length > LONGEST_CUSTOM_STATUS) {
    throw new Error(
      `The custom status has ${status.length} characters of JSON; at most ${LONGEST_CUSTOM_STATUS} (16 KB of UTF-16) are allowed.`,
    );
  }
  instance.customStatus = status;
  turn.customStatus = status;
}

function open(instance: Instance, turn: Turn, event: OpenedEvent): void {
  record(instance, turn, event);
  const work = instance.open.get(event.id);
  if (work !== undefined) turn.work.push(work);
}

type Pause = Extract<OpenedTask, { kind: 'retryTimer' }>;

/** Opens the pause after a failed attempt. When there shall be no further attempt it is over at once. */
function openRetryTimer(instance: Instance, turn: Turn, pause: Pause, fed: readonly FedEvent[]): FedEvent | undefined {
  const { id, policy, failedAttempts } = pause;
  const firstAt = takeFirstAt(instance, pause.after) ?? turn.at;
  const due = nextAttemptAt(policy, { failedAttempts, firstAt, now: turn.at, failure: failureOf(fed, pause.after) });
  if (due !== undefined) {
    open(instance, turn, { kind: 'timerCreated', id, fireAt: due, retry: { firstAt } });
    return undefined;
  }
  record(instance, turn, { kind: 'timerCreated', id, fireAt: turn.at });
  return failedAttempts < policy.maxAttempts ? { kind: 'timerFired', id, final: true } : { kind: 'timerFired', id };
}

function takeFirstAt(instance: Instance, after: number): number | undefined {
  const firstAt = instance.retries.get(after);
  instance.retries.delete(after);
  return firstAt;
}

function failureOf(fed: readonly FedEvent[], id: number): Failure | undefined {
  for (const event of fed) {
    if ((event.kind === 'activityFailed' || event.kind === 'childFailed') && event.id === id) return event.failure;
  }
  return undefined;
}

type PlainTask = Exclude<OpenedTask, EntityTask | { kind: 'retryTimer' }>;

function toOpenedEvent(instance: Instance, orchestrators: Orchestrators, turn: Turn, task: PlainTask): OpenedEvent {
  switch (task.kind) {
    case 'activity': {
      const refusal = orchestrators.refuseActivity(task.name);
      if (refusal !== undefined) throw new Error(refusal);
      const { id, name, input, after } = task;
      return {
        kind: 'activityScheduled',
        id,
        name,
        input,
        ...retryStamp(instance, turn, task),
        ...(after !== undefined && { after }),
      };
    }
    case 'child': {
      const refusal = orchestrators.refuse(task.name);
      if (refusal !== undefined) throw new Error(refusal);
      const { id, name, input, version = orchestrators.defaultVersion } = task;
      const { executionId, rewoundIn } = instance;
      // Sub-orchestrations that a rewind made void keep their ids.
      const ownId = rewoundIn === undefined ? `${executionId}:${id}` : `${executionId}:${id}:${rewoundIn}`;
      const instanceId = task.instanceId ?? ownId;
      return {
        kind: 'childCreated',
        id,
        name,
        instanceId,
        ...(version !== undefined && { version }),
        input,
        ...retryStamp(instance, turn, task),
      };
    }
    case 'timer':
      return { kind: 'timerCreated', id: task.id, fireAt: task.fireAt };
  }
}

function retryStamp(
  instance: Instance,
  turn: Turn,
  task: Extract<PlainTask, { kind: 'activity' | 'child' }>,
): { retry?: { firstAt: number } } {
  if (task.retry === undefined) return {};
  const { after } = task.retry;
  return { retry: { firstAt: (after === undefined ? undefined : takeFirstAt(instance, after)) ?? turn.at } };
}

export function end(instance: Instance, turn: Turn, how: ExecutionEnd): void {
  turn.abandoned = [...instance.open.values()];
  turn.mail.push(...toReleasesOf(instance));
  turn.work.length = 0;
  turn.continuedWith = undefined;
  switch (how.kind) {
    case 'completed':
      note(turn, { kind: 'completed' });
      turn.status = 'Completed';
      turn.output = how.output;
      return;
    case 'failed':
      note(turn, { kind: 'failed' });
      turn.status = 'Failed';
      turn.output = JSON.stringify(`Orchestrator function '${instance.name}' failed: ${how.message}`);
      return;
    case 'continuedAsNew':
      turn.continuedWith = how.input;
  }
}
