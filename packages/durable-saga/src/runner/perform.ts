import { runChild } from './child';
import type { Done } from './done';
import { drive } from './drive';
import type { Failure } from '../definition/failure';
import type { Fiber } from './fiber';
import type { MemberRunner } from './group';
import { runGroup } from './group';
import type { Instance } from './instance';
import type { Instruction, MemberInstruction } from '../definition/operation';
import { checkMember } from '../definition/operation';
import { runRace } from './race';
import type { Scope } from './scope';
import { runPivot, runStep } from './steps';
import { sleep, waitFor } from './waits';

/** Does what a body asked for. */
export function perform(instance: Instance, instruction: Instruction, scope: Scope): Fiber<Done> {
  switch (instruction.do) {
    case 'step':
      checkNotBegun(instance, instruction.key);
      return instruction.as === 'pivot' && instance.progress.pivot === 'none'
        ? runPivot(instance, instruction)
        : runStep(instance, instruction, scope);
    case 'child':
      checkNotBegun(instance, instruction.key);
      return runChild(instance, instruction, scope);
    case 'group':
      return runGroup(instance, instruction, scope, memberRunner(instance));
    case 'race':
      return runRace(instance, instruction, scope, memberRunner(instance));
    case 'sleep':
      return sleep(instance, instruction.milliseconds, scope);
    case 'waitFor':
      return waitFor(instance, instruction.event, instruction.milliseconds, scope);
    case 'fail':
      return endWith(instruction.failure);
    case 'continueAs':
      throw new TypeError('saga.continueAs belongs in the body of the saga');
  }
}

/** Throws for an operation that is done a second time: the effect under its key was had already. */
function checkNotBegun({ progress }: Instance, key: string): void {
  if (!progress.hasBegun(key)) return;
  throw new Error(`the operation with the key '${key}' was used twice; write saga.step(...) anew for each call`);
}

function memberRunner(instance: Instance): MemberRunner {
  return (member, scope) => performMember(instance, member, scope);
}

// eslint-disable-next-line require-yield -- a fiber that waits for nothing
function* endWith(failure: Failure): Fiber<Done> {
  return { kind: 'ended', failure };
}

/** Does one member of a group or race: an operation, or a branch with all that it asks for. */
function performMember(instance: Instance, member: MemberInstruction, scope: Scope): Fiber<Done> {
  if (member.do !== 'branch') return perform(instance, member, scope);
  return drive(
    member.start,
    (instruction) => perform(instance, checkMember(instruction, 'a branch'), scope),
    scope.halt,
  );
}
