import type { Failure } from './failure';
import type { Fiber } from './fiber';
import { parallel } from './fiber';
import type { Halt } from './halt';
import { eitherHalt, NEVER_HALT } from './halt';
import type { Instance } from './instance';
import type { GroupInstruction, Instruction, StepInstruction } from './operation';
import type { Pursued, Pursuit } from './attempts';
import { pursue, sleepUntil } from './attempts';
import { Alarm } from './alarm';
import type { StepRecord } from './progress';
import { planRetries } from './retry';
import type { UndoStack } from './undo-stack';

/** What an operation came to. `failed` is thrown into the body; `ended` ends the saga without asking the body. */
export type Done =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'ended'; readonly failure: Failure };

/** Does what the body asked for. What must be undone later is put on `undos` before it is tried. */
export function* perform(instance: Instance, instruction: Instruction, undos: UndoStack): Fiber<Done> {
  const halt = instance.untilCancelled;
  switch (instruction.do) {
    case 'step':
      return instruction.as === 'pivot' && instance.progress.pivot === 'none'
        ? yield* runPivot(instance, instruction)
        : yield* runStep(instance, instruction, undos, halt);
    case 'all':
      return yield* runGroup(instance, instruction, undos, halt);
    case 'sleep':
      return yield* sleep(instance, instruction.milliseconds, halt);
    case 'waitFor':
      return yield* waitFor(instance, instruction.event, instruction.milliseconds, halt);
    case 'fail':
      return { kind: 'ended', failure: instruction.failure };
  }
}

function* runStep(instance: Instance, step: StepInstruction, undos: UndoStack, halt: Halt): Fiber<Done> {
  const { durable, progress } = instance;
  const record = progress.begin(step.activity.name, step.key, durable.now());
  if (progress.pivot !== 'none') return yield* runForward(instance, step, record, 'step');
  const owed = step.as === 'step' && step.activity.undoName !== undefined ? undos.register(step) : undefined;
  const pursued = yield* pursue(durable, toPursuit(step, record, 'step', halt));
  const { unknownAt } = pursued;
  if (owed !== undefined && unknownAt !== undefined) owed.notBefore = unknownAt + step.activity.settleWithin;
  if (pursued.ok) {
    record.end('done', durable.now());
    if (owed !== undefined) Object.assign(owed, { output: pursued.value, hasOutput: true });
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
function* runPivot(instance: Instance, step: StepInstruction): Fiber<Done> {
  const { durable, progress } = instance;
  const record = progress.begin(step.activity.name, step.key, durable.now());
  progress.pivot = 'started';
  const done = yield* runForward(instance, step, record, 'pivot');
  if (done.kind === 'value') progress.pivot = 'passed';
  else instance.leavePivot();
  return done;
}

/** Runs a step that has no way back: it succeeds, parks until it does, or an operator decides. */
function* runForward(
  instance: Instance,
  step: StepInstruction,
  record: StepRecord,
  what: 'step' | 'pivot',
): Fiber<Done> {
  const { durable } = instance;
  for (;;) {
    const pursued = yield* pursue(durable, toPursuit(step, record, 'forward', NEVER_HALT));
    if (pursued.ok) {
      record.end('done', durable.now());
      return { kind: 'value', value: pursued.value };
    }
    if (what === 'pivot' && isRefusal(pursued)) {
      record.end('failed', durable.now());
      return { kind: 'failed', failure: pursued.failure };
    }
    record.become('parked');
    const { failure } = pursued;
    const { activity, key } = step;
    const resolution = yield* instance.parking.park({
      what,
      name: activity.name,
      key,
      failure,
      checkSkip: activity.parseOutput,
    });
    if (resolution.action === 'skip') {
      record.end('skipped', durable.now());
      return { kind: 'value', value: resolution.output };
    }
    if (resolution.action === 'fail') {
      record.end('failed', durable.now());
      // Of a pivot the operator knows that it had no effect, so the saga goes back as it does for a refusal.
      return { kind: what === 'pivot' ? 'failed' : 'ended', failure: giveUp(failure) };
    }
    record.become('running');
  }
}

/** A definite answer that nothing happened: the last attempt's, under the key that all attempts shared. */
function isRefusal(pursued: Extract<Pursued, { ok: false }>): boolean {
  const { effect, retriable } = pursued.failure;
  return effect === 'none' && (!retriable || pursued.unknownAt === undefined);
}

export function giveUp(failure: Failure): Failure {
  return {
    ...failure,
    kind: 'givenUp',
    message: `an operator gave up: ${failure.message}`,
    retriable: false,
  };
}

function* runGroup(
  instance: Instance,
  { members, concurrency }: Extract<Instruction, { do: 'all' }>,
  undos: UndoStack,
  outer: Halt,
): Fiber<Done> {
  const group = undos.openGroup(concurrency);
  const results: unknown[] = new Array<unknown>(members.length).fill(undefined);
  let failed: Exclude<Done, { kind: 'value' }> | undefined;
  const halt = eitherHalt(outer, () => failed !== undefined);
  const starts = members.map((member) => () => runMember(instance, member, group, halt));
  yield* parallel<Done>(starts, {
    limit: concurrency,
    mayStart: () => !halt.halted(),
    onSettled(index, done) {
      if (done.kind === 'value') results[index] = done.value;
      else failed ??= done;
    },
  });
  return failed ?? { kind: 'value', value: results };
}

function runMember(instance: Instance, member: GroupInstruction, undos: UndoStack, halt: Halt): Fiber<Done> {
  return member.do === 'all' ? runGroup(instance, member, undos, halt) : runStep(instance, member, undos, halt);
}

function* sleep(instance: Instance, milliseconds: number, halt: Halt): Fiber<Done> {
  const { durable, progress } = instance;
  const since = durable.now();
  progress.waitingFor = { since, until: since + milliseconds };
  yield* sleepUntil(durable, since + milliseconds, halt);
  progress.waitingFor = undefined;
  return { kind: 'value', value: undefined };
}

function* waitFor(instance: Instance, event: string, milliseconds: number | undefined, halt: Halt): Fiber<Done> {
  const { durable, progress, inbox } = instance;
  const since = durable.now();
  const until = milliseconds === undefined ? undefined : since + milliseconds;
  const alarm = until === undefined ? undefined : new Alarm(durable, until);
  progress.waitingFor = { event, since, ...(until === undefined ? {} : { until }) };
  let came: { readonly value: unknown } | undefined;
  for (;;) {
    came = inbox.look(event);
    if (came !== undefined || halt.halted() || alarm?.rung()) break;
    yield [inbox.handle(event), ...(alarm === undefined ? [] : [alarm.handle]), ...halt.handles()];
  }
  alarm?.cancel();
  progress.waitingFor = undefined;
  return { kind: 'value', value: came?.value };
}

function toPursuit(step: StepInstruction, record: StepRecord, role: 'step' | 'forward', halt: Halt): Pursuit {
  const { activity, key, input } = step;
  const where = `step '${activity.name}'`;
  return {
    name: activity.name,
    key,
    input,
    timeout: step.timeout ?? activity.timeout,
    retries: planRetries(role, { ...activity.retry, ...step.retry }, where),
    record,
    halt,
  };
}
