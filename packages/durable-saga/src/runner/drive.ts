import type { Done } from './done';
import { HALTED } from './done';
import type { Failure } from '../definition/failure';
import { messageOf, SagaStepError } from '../definition/failure';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import type { Instruction } from '../definition/operation';
import { instructionOf } from '../definition/operation';

/**
 * Drives an author's generator, a saga's body or a branch of it: each operation is done, and its result or failure
 * handed back. Asked before each, `halt` ends it where it stands. What it throws that is no step's failure is a
 * programming error: that is not a failure to go on from, and ends the saga.
 */
export function* drive(
  start: () => Generator<unknown, unknown, unknown>,
  perform: (instruction: Instruction) => Fiber<Done>,
  halt: Halt,
): Fiber<Done> {
  try {
    const body = start();
    let turn = body.next();
    for (;;) {
      if (halt.halted()) return HALTED;
      if (turn.done) return { kind: 'value', value: turn.value };
      const instruction = instructionOf(turn.value);
      if (instruction.do === 'fail') return { kind: 'failed', failure: instruction.failure };
      const outcome = yield* perform(instruction);
      if (halt.halted()) return HALTED;
      if (outcome.kind !== 'value' && outcome.kind !== 'failed') return outcome;
      turn = outcome.kind === 'value' ? body.next(outcome.value) : body.throw(new SagaStepError(outcome.failure));
    }
  } catch (thrown) {
    if (thrown instanceof SagaStepError) return { kind: 'failed', failure: thrown.failure };
    return { kind: 'ended', failure: defect(thrown) };
  }
}

export function defect(thrown: unknown): Failure {
  return { kind: 'defect', code: 'defect', message: messageOf(thrown), retriable: false, effect: 'unknown' };
}
