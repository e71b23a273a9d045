import type { Definitions } from '../../definition/definitions';
import type { Instruction, MemberInstruction } from '../../definition/operation';
import { instructionOf } from '../../definition/operation';
import type { Saga } from '../../definition/saga';
import type { Deviation } from './replay-pass';

type Verb = 'step' | 'call' | 'pivot' | 'child';

/** How the bodies of sagas ask for their steps, noted while they run: a suggestion should read as they do. */
export class Verbs {
  readonly #verbs = new Map<string, Verb>();

  /** The same sagas, watched. */
  watch(sagas: Definitions['sagas']): Definitions['sagas'] {
    return new Map([...sagas].map(([name, saga]) => [name, { ...saga, body: this.#watched(saga) }]));
  }

  #watched({ body }: Saga<never, unknown>): Saga<never, unknown>['body'] {
    const note = (instruction: Instruction): void => this.#note(instruction);
    return function* (...given) {
      const life = body(...given);
      let result = life.next();
      while (result.done !== true) {
        note(instructionOf(result.value));
        try {
          result = life.next(yield result.value);
        } catch (error) {
          result = life.throw(error);
        }
      }
      return result.value;
    };
  }

  #note(instruction: MemberInstruction): void {
    switch (instruction.do) {
      case 'step':
        this.#verbs.set(instruction.activity.name, instruction.as);
        return;
      case 'child':
        this.#verbs.set(instruction.saga.name, 'child');
        return;
      case 'group':
        for (const member of instruction.members) this.#note(member);
        return;
      case 'race':
        for (const [, member] of instruction.members) this.#note(member);
        return;
      default:
        return;
    }
  }

  /** The line of a body that asks for it. */
  line(name: string, { activities, sagas }: Definitions): string {
    const guess = sagas.has(name) ? 'child' : activities.get(name)?.undoName === undefined ? 'call' : 'step';
    return `yield* saga.${this.#verbs.get(name) ?? guess}(${name}, ...)`;
  }
}

export interface MendParts {
  readonly saga: string;
  /** The version that the instance was started with, and the one that the code has now. */
  readonly started: string;
  readonly now: string;
  readonly deviation: Deviation;
  /** The code's step is one that the history has, too, at another place. */
  readonly isElsewhere: boolean;
}

/** The version branch that would keep the instances under way on their way, as a line or two of the saga's body. */
export function mendingBranch(
  { saga, started, now, deviation: { historyStep, codeStep }, isElsewhere }: MendParts,
  verbs: Verbs,
  definitions: Definitions,
): string {
  const line = (name: string): string => verbs.line(ofStep(name, definitions), definitions);
  const isOld = `saga.version === '${started}'`;
  const raise = started === now ? `give ${saga} another version than '${now}', and keep the old way: ` : '';
  if (historyStep !== undefined && codeStep !== undefined && historyStep !== codeStep) {
    // What is new in the code is left out for those who were started before; what has moved stays where it was.
    if (!isElsewhere) return `${raise}if (${isOld}) ${line(historyStep)}; else ${line(codeStep)};`;
    return `${raise}if (${isOld}) { ${line(historyStep)}; ${line(codeStep)}; } else { /* today's order */ }`;
  }
  if (historyStep !== undefined && codeStep === undefined) return `${raise}if (${isOld}) ${line(historyStep)};`;
  if (historyStep === undefined && codeStep !== undefined) {
    return `${raise}if (saga.version !== '${started}') ${line(codeStep)};`;
  }
  return `${raise}if (${isOld}) { /* as it was */ } else { /* as it is now */ }`;
}

/** An undo follows from its step: that is what a body can ask for. */
function ofStep(name: string, { activities }: Definitions): string {
  for (const activity of activities.values()) if (activity.undoName === name) return activity.name;
  return name;
}
