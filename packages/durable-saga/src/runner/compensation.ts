import { pursue, sleepUntil } from './attempts';
import type { Done } from './done';
import type { Failure } from '../definition/failure';
import type { Fiber } from './fiber';
import { parallel } from './fiber';
import { NEVER_HALT } from './halt';
import type { Instance } from './instance';
import type { StepRecord } from './progress';
import { NO_OUTPUT } from './parking';
import { planRetries } from '../definition/retry';
import { tellSettled } from './tell';
import type { Owed, OwedGroup, OwingChild, UndoStack } from './undo-stack';

/**
 * Runs what is owed, the latest first, each undo once the one before it has ended; a group's undos side by side. An undo
 * that fails for good parks the saga. Gives false when an operator gave at least one undo up; the others still run.
 * With `atMost` the latest so many are undone.
 */
export function* compensate(instance: Instance, undos: UndoStack, atMost = Infinity): Fiber<boolean> {
  let complete = true;
  for (const owed of undos.inReverse().slice(0, atMost)) {
    const undone: boolean = yield* undoEntry(instance, owed);
    complete &&= undone;
  }
  return complete;
}

/**
 * Undoes at once, side by side, what is on stacks of their own: what a lost race or a tolerated failure leaves behind in
 * a saga that goes on. An undo that an operator gives up leaves it behind for good, so it ends the saga.
 */
export function* undoAtOnce(
  instance: Instance,
  stacks: readonly UndoStack[],
  concurrency: number,
): Fiber<Extract<Done, { kind: 'ended' }> | undefined> {
  const undone: boolean[] = [];
  const starts = stacks.map((undos) => () => compensate(instance, undos));
  yield* parallel<boolean>(starts, {
    limit: concurrency,
    mayStart: () => true,
    onSettled: (_index, complete) => undone.push(complete),
  });
  for (const undos of stacks) undos.clear();
  if (!undone.includes(false)) return undefined;
  instance.undoWasGivenUp = true;
  return {
    kind: 'ended',
    failure: {
      kind: 'givenUp',
      code: 'undoGivenUp',
      message: 'an operator gave up an undo that the saga needed to go on',
      retriable: false,
      effect: 'unknown',
    },
  };
}

function* undoEntry(instance: Instance, owed: Owed | OwedGroup): Fiber<boolean> {
  if (owed.kind === 'undo') return yield* undoStep(instance, owed);
  const outcomes: boolean[] = [];
  const child = owed.child === undefined ? undefined : progressOf(instance, owed.child);
  child?.restart('undoing', instance.durable.now());
  const starts = owed.undos.inReverse().map((entry) => () => undoEntry(instance, entry));
  yield* parallel<boolean>(starts, {
    limit: owed.concurrency,
    mayStart: () => true,
    onSettled: (_index, undone) => outcomes.push(undone),
  });
  const complete = !outcomes.includes(false);
  child?.end(complete ? 'undone' : 'undoFailed', instance.durable.now());
  if (owed.child !== undefined) yield* tellChildUndone(instance, owed.child, complete);
  owed.isTold = true;
  return complete;
}

function progressOf({ progress, durable }: Instance, { saga, key }: OwingChild): StepRecord {
  return progress.resume(saga, key, durable.now());
}

/** A child that said that it was completed has to say that it is so no longer. */
function* tellChildUndone(instance: Instance, { saga, id }: OwingChild, complete: boolean): Fiber<void> {
  const settled = instance.definitions.sagas.get(saga)?.settled;
  if (settled === undefined) return;
  const { failure } = instance.progress;
  yield* tellSettled(instance, settled, `${id}/${settled.name}#undone`, {
    saga,
    instanceId: id,
    outcome: complete ? 'compensated' : 'compensationFailed',
    ...(failure === undefined ? {} : { failure }),
  });
}

function* undoStep(instance: Instance, owed: Owed): Fiber<boolean> {
  const { durable, progress, parking } = instance;
  const { activity, key } = owed;
  const name = activity?.undoName ?? `${owed.name}_undo`;
  const record = progress.resume(owed.name, key, durable.now());
  if (durable.now() < owed.notBefore) yield* sleepUntil(durable, owed.notBefore, NEVER_HALT);
  record.restart('undoing', durable.now());
  for (;;) {
    const pursued =
      activity === undefined ? notRegistered(owed) : yield* pursueUndo(instance, owed, activity, { name, record });
    if (pursued.ok) {
      owed.settle();
      record.end('undone', durable.now());
      return true;
    }
    record.become('parked');
    const { failure } = pursued;
    const resolution = yield* parking.park({
      what: 'undo',
      name,
      key,
      failure,
      parseSkip: () => NO_OUTPUT,
      leavesNoTrace: activity === undefined,
    });
    if (resolution.action !== 'retry') {
      owed.settle();
      record.end(resolution.action === 'skip' ? 'undone' : 'undoFailed', durable.now());
      if (resolution.action === 'skip') return true;
      instance.undoWasGivenUp = true;
      return false;
    }
    record.become('undoing');
  }
}

function pursueUndo(
  { durable }: Instance,
  owed: Owed,
  activity: NonNullable<Owed['activity']>,
  { name, record }: { readonly name: string; readonly record: StepRecord },
): ReturnType<typeof pursue> {
  return pursue(durable, {
    name,
    key: owed.key,
    input: owed.input,
    ...(owed.hasOutput ? { output: owed.output } : {}),
    timeout: owed.timeout ?? activity.timeout,
    retries: planRetries('undo', activity.undoRetry, `undo '${name}'`),
    record,
    halt: NEVER_HALT,
  });
}

/**
 * Hosts fail a whole orchestration that calls what is not there. It parks in place of that, and leaves no trace in the
 * history: a build that has the activity runs the undo where this one parked, as if it had never been otherwise.
 */
function notRegistered({ name, key }: Owed): { readonly ok: false; readonly failure: Failure } {
  const message =
    `the activity '${name}', which has to undo '${key}', is not registered in this build: ` +
    'list it in registerSagas({ activities: [...] }), start that build, and say retry';
  return {
    ok: false,
    failure: { kind: 'defect', code: 'notRegistered', message, retriable: false, effect: 'unknown', step: key },
  };
}
