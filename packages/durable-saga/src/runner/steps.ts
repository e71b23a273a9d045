import type { Pursued } from './attempts';
import { Pursuing } from './attempts';
import type { Durable } from '../host/durable-port';
import type { Done } from './done';
import { HALTED } from './done';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import { NEVER_HALT } from './halt';
import type { Instance } from './instance';
import type { StepInstruction } from '../definition/operation';
import { copyAsJson } from '../definition/json';
import { giveUp } from './parking';
import type { StepRecord } from './progress';
import { planRetries } from '../definition/retry';
import type { Scope } from './scope';
import type { Owed, UndoStack } from './undo-stack';

/** A step before the pivot may be undone. After the pivot it runs forward. */
export function runStep(instance: Instance, step: StepInstruction, scope: Scope): Fiber<Done> {
  const { durable, progress } = instance;
  const record = progress.begin(step.activity.name, step.key, durable.now());
  return progress.pivot === 'none'
    ? runBackable(instance, step, record, scope)
    : runForward(instance, step, record, { what: 'step', lost: scope.lost });
}

/** The undo is owed before the step is tried. */
function* runBackable(
  { durable }: Instance,
  step: StepInstruction,
  record: StepRecord,
  { undos, halt }: Scope,
): Fiber<Done> {
  const owed = step.as === 'step' && step.activity.undoName !== undefined ? undos.register(step) : undefined;
  const pursuing = pursueStep(durable, step, { record, role: 'step', halt });
  for (;;) {
    const pursued = pursuing.look();
    if (pursued !== undefined) return endBackable(durable, { step, record, owed, undos }, pursued);
    yield pursuing.waits();
  }
}

interface Backable {
  readonly step: StepInstruction;
  readonly record: StepRecord;
  readonly owed: Owed | undefined;
  readonly undos: UndoStack;
}

/** Apart from the generator, which is kept for each step while it runs. */
function endBackable(durable: Durable, { step, record, owed, undos }: Backable, pursued: Pursued): Done {
  const { unknownAt } = pursued;
  if (owed !== undefined && unknownAt !== undefined) owed.notBefore = unknownAt + step.activity.settleWithin;
  if (pursued.ok) {
    record.end('done', durable.now());
    if (owed !== undefined) {
      // The body may do to its own what it wants.
      owed.output = copyAsJson(`output of step '${step.activity.name}'`, pursued.value);
      owed.hasOutput = true;
    }
    return { kind: 'value', value: pursued.value };
  }
  record.end(unknownAt === undefined ? 'failed' : 'unknown', durable.now());
  if (owed !== undefined && unknownAt === undefined) undos.drop(owed);
  return { kind: 'failed', failure: pursued.failure };
}

/**
 * The pivot is tried until its outcome is known. Surely refused, it leads back; unknown when the attempts are used up,
 * it parks, since undoing what it may have done is not the saga's to guess.
 */
export function* runPivot(instance: Instance, step: StepInstruction): Fiber<Done> {
  const { durable, progress } = instance;
  const record = progress.begin(step.activity.name, step.key, durable.now());
  instance.enterPivot();
  const done = yield* runForward(instance, step, record, { what: 'pivot', lost: NEVER_HALT });
  if (done.kind === 'value') progress.pivot = 'passed';
  else instance.leavePivot();
  return done;
}

interface Forward {
  readonly what: 'step' | 'pivot';
  readonly lost: Halt;
}

/** Runs a step that has no way back: it succeeds, parks until it does, or an operator decides. */
function* runForward(instance: Instance, step: StepInstruction, record: StepRecord, forward: Forward): Fiber<Done> {
  const { durable } = instance;
  let pursuing = pursueStep(durable, step, { record, role: 'forward', halt: forward.lost });
  for (;;) {
    const pursued = pursuing.look();
    if (pursued === undefined) {
      yield pursuing.waits();
      continue;
    }
    if (pursued.ok) {
      record.end('done', durable.now());
      return { kind: 'value', value: pursued.value };
    }
    const done = yield* stopForward(instance, step, record, { ...forward, pursued });
    if (done !== undefined) return done;
    record.become('running');
    pursuing = pursueStep(durable, step, { record, role: 'forward', halt: forward.lost });
  }
}

/** What a step that failed for good on its way forward comes to; undefined where it is to be tried again. */
function* stopForward(
  instance: Instance,
  { activity, key }: StepInstruction,
  record: StepRecord,
  { what, lost, pursued }: Forward & { readonly pursued: Extract<Pursued, { ok: false }> },
): Fiber<Done | undefined> {
  const { durable } = instance;
  const { failure } = pursued;
  if (what === 'pivot' && isRefusal(pursued)) {
    record.end('failed', durable.now());
    return { kind: 'failed', failure };
  }
  if (lost.halted()) return abandon(instance, record);
  record.become('parked');
  const toPark = { what, name: activity.name, key, failure, parseSkip: activity.parseOutput };
  const resolution = yield* instance.parking.park(toPark, lost);
  if (resolution === undefined) return abandon(instance, record);
  if (resolution.action === 'skip') {
    record.end('skipped', durable.now());
    return { kind: 'value', value: resolution.output };
  }
  if (resolution.action === 'fail') {
    record.end('failed', durable.now());
    // Of a pivot the operator knows that it had no effect, so the saga goes back as it does for a refusal.
    return { kind: what === 'pivot' ? 'failed' : 'ended', failure: giveUp(failure) };
  }
  return undefined;
}

/** Nobody waits for the step any more: its race is lost. After the pivot there is no undo. */
function abandon({ durable }: Instance, record: StepRecord): Done {
  record.end('unknown', durable.now());
  return HALTED;
}

/** A definite answer that nothing happened: the last attempt's, under the key that all attempts shared. */
function isRefusal(pursued: Extract<Pursued, { ok: false }>): boolean {
  const { effect, retriable } = pursued.failure;
  return effect === 'none' && (!retriable || pursued.unknownAt === undefined);
}

function pursueStep(
  durable: Durable,
  { activity, key, input, retry, timeout }: StepInstruction,
  { record, role, halt }: { readonly record: StepRecord; readonly role: 'step' | 'forward'; readonly halt: Halt },
): Pursuing {
  const policy = retry === undefined ? activity.retry : { ...activity.retry, ...retry };
  return new Pursuing(durable, {
    name: activity.name,
    key,
    input,
    timeout: timeout ?? activity.timeout,
    retries: planRetries(role, policy, `step '${activity.name}'`),
    record,
    halt,
  });
}
