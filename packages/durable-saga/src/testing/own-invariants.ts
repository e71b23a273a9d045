import type { SagaOutcome } from '../definition/settlement';
import type { SagaStatus } from '../runner/status';
import type { LoggedAttempt } from './attempt-log';
import type { RunParking, Violation } from './run';
import type { BodyNotes } from './watched-saga';

/** An instance at the end of a run. */
export interface EndedInstance {
  readonly id: string;
  readonly isCompleted: boolean;
  readonly outcome: SagaOutcome | undefined;
  readonly status: SagaStatus | undefined;
  readonly openTimers: number;
}

export interface EndedRun {
  readonly rootId: string;
  readonly instances: readonly EndedInstance[];
  readonly attempts: readonly LoggedAttempt[];
  readonly parked: readonly RunParking[];
  readonly notes: BodyNotes;
  readonly tolerated: readonly string[];
  /** The wait at which a cancel came to the saga had been before its pivot, and before it went back. */
  readonly cancelWasInTime: boolean | undefined;
}

/** What must hold of every saga, whatever it does. */
export function checkOwnInvariants(run: EndedRun): Violation[] {
  return [
    ...everyOneEnds(run),
    ...noTimerIsLeft(run),
    ...everyStepIsUndone(run),
    ...noFailureIsSwallowed(run),
    ...cancelIsAnswered(run),
  ];
}

function* everyOneEnds({ instances }: EndedRun): Iterable<Violation> {
  for (const { id, isCompleted, status } of instances) {
    if (isCompleted || status?.state === 'parked') continue;
    const wait = status?.waitingFor;
    const what = wait?.event === undefined ? '' : `: it waits for the event '${wait.event}', and nothing will come`;
    yield {
      invariant: 'every saga ends or is parked',
      message: `saga '${id}' stays ${status?.state ?? 'pending'} for ever${what}`,
    };
  }
}

function* noTimerIsLeft({ instances }: EndedRun): Iterable<Violation> {
  for (const { id, isCompleted, openTimers } of instances) {
    if (!isCompleted || openTimers === 0) continue;
    yield {
      invariant: 'no timer is left open',
      message: `saga '${id}' has ended with ${openTimers} timers still open`,
    };
  }
}

function* everyStepIsUndone({ rootId, instances, attempts, parked, notes }: EndedRun): Iterable<Violation> {
  const wentBack = new Set(instances.flatMap(({ id, outcome }) => (outcome?.outcome === 'compensated' ? [id] : [])));
  for (const [key, name] of notes.undoable) {
    const own = attempts.filter((attempt) => attempt.key === key && attempt.name === name);
    // What a child leaves to undo is undone by whoever goes back behind it.
    const back = [rootId, own[0]?.instanceId ?? rootId].find((id) => wentBack.has(id));
    if (back === undefined || !own.some(({ came }) => came !== 'none')) continue;
    const isUndone = attempts.some((attempt) => attempt.key === key && attempt.isUndo && attempt.came === 'done');
    const isSettled = parked.some((one) => one.key === key && one.decision !== 'retry');
    if (isUndone || isSettled) continue;
    yield {
      invariant: 'every step that maybe ran is undone',
      step: key,
      message: `saga '${back}' went back, and ${own[0]?.step ?? key}, which maybe ran, was not undone`,
    };
  }
}

function* noFailureIsSwallowed({ instances, notes, tolerated }: EndedRun): Iterable<Violation> {
  for (const { id, outcome } of instances) {
    if (outcome?.outcome !== 'completed') continue;
    for (const [step, failure] of notes.thrown.get(id) ?? []) {
      const name = step.slice(step.lastIndexOf('/') + 1).split('#')[0] ?? step;
      if (tolerated.includes(name)) continue;
      yield {
        invariant: 'no failure is swallowed',
        step,
        message: `saga '${id}' completed though '${step}' had failed for good (${failure.kind} ${failure.code}: ${failure.message})`,
      };
    }
  }
}

function* cancelIsAnswered({ rootId, instances, cancelWasInTime }: EndedRun): Iterable<Violation> {
  const root = instances.find(({ id }) => id === rootId);
  const word = root?.status?.cancel;
  const outcome = root?.outcome;
  const invariant = 'a cancel is answered truthfully';
  if (outcome === undefined) return;
  if (word === 'honoured' && outcome.outcome === 'completed') {
    yield { invariant, message: `saga '${rootId}' said that the cancel is honoured, and completed` };
  }
  if (word === 'refused' && outcome.outcome !== 'completed' && outcome.failure.kind === 'cancelled') {
    yield { invariant, message: `saga '${rootId}' said that the cancel is refused, and was undone by it` };
  }
  if (cancelWasInTime === true && outcome.outcome === 'completed') {
    yield { invariant, message: `saga '${rootId}' completed though a cancel had come before its pivot` };
  }
}
