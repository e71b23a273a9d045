import type { Activity } from './activity';
import type { Failure } from './failure';
import type { RetryPolicy } from './retry';

declare const turn: unique symbol;

/** What a saga's body yields. Only an operation makes one, through `yield*`; a plain `yield` does not compile. */
export interface Turn {
  readonly [turn]: true;
}

/** Operations that may stand in a group: those that can be undone as one. */
export type GroupKind = 'step' | 'call' | 'all';
export type OperationKind = GroupKind | 'pivot' | 'sleep' | 'waitFor' | 'fail';

/** Something that a saga does. Nothing happens until it is written behind `yield*` or handed to `saga.all`. */
export interface Operation<T, Kind extends OperationKind = OperationKind> {
  readonly kind: Kind;
  [Symbol.iterator](): Generator<Turn, T, unknown>;
}

export type Instruction =
  | StepInstruction
  | { readonly do: 'all'; readonly members: readonly GroupInstruction[]; readonly concurrency: number }
  | { readonly do: 'sleep'; readonly milliseconds: number }
  | { readonly do: 'waitFor'; readonly event: string; readonly milliseconds: number | undefined }
  | { readonly do: 'fail'; readonly failure: Failure };

export interface StepInstruction {
  readonly do: 'step';
  readonly as: 'step' | 'call' | 'pivot';
  readonly activity: Activity<never, unknown, never>;
  readonly key: string;
  readonly input: unknown;
  readonly retry: RetryPolicy | undefined;
  readonly timeout: number | undefined;
}

export type GroupInstruction = StepInstruction | Extract<Instruction, { do: 'all' }>;

/** The one implementation of `Operation`: a description of what to do, handed to the runner when it is reached. */
export class DescribedOperation<T, Kind extends OperationKind> implements Operation<T, Kind> {
  readonly kind: Kind;
  readonly instruction: Instruction;

  constructor(kind: Kind, instruction: Instruction) {
    this.kind = kind;
    this.instruction = instruction;
  }

  *[Symbol.iterator](): Generator<Turn, T, unknown> {
    const result = yield new OperationTurn(this.instruction) as unknown as Turn;
    return result as T;
  }
}

export class OperationTurn {
  readonly instruction: Instruction;

  constructor(instruction: Instruction) {
    this.instruction = instruction;
  }
}

/** Reads what a body yielded. Throws an error that says what to write when it is no operation's turn. */
export function instructionOf(yielded: unknown): Instruction {
  if (yielded instanceof OperationTurn) return yielded.instruction;
  if (yielded instanceof DescribedOperation) {
    throw new TypeError(`expected \`yield* saga.${yielded.kind}(...)\`, got a plain \`yield\``);
  }
  throw new TypeError(
    `expected the body to yield operations of its saga by \`yield*\`, got ${yielded === null ? 'null' : typeof yielded}`,
  );
}

/** Reads a member of a group. Throws for what can't be undone as part of one, a pivot among them. */
export function groupInstructionOf(member: unknown): GroupInstruction {
  if (!(member instanceof DescribedOperation)) {
    throw new TypeError('saga.all: expected an array of saga.step(...), saga.call(...) or saga.all(...)');
  }
  const { instruction } = member as DescribedOperation<unknown, OperationKind>;
  if (instruction.do === 'all') return instruction;
  if (instruction.do === 'step' && instruction.as !== 'pivot') return instruction;
  throw new TypeError(
    `saga.all: a ${member.kind} can't be part of a group; only step, call and all can. Put it before or after the group`,
  );
}
