import type { Activity } from './activity';
import type { Failure } from './failure';
import type { RetryPolicy } from './retry';
import type { Saga } from './saga';

declare const turn: unique symbol;
declare const bodyTurn: unique symbol;

/** What a saga's body yields. Only an operation makes one, through `yield*`; a plain `yield` does not compile. */
export interface Turn {
  readonly [turn]: true;
}

/** What only the body itself may yield, not a branch: what concerns the saga as a whole. */
export interface BodyTurn {
  readonly [bodyTurn]: true;
}

/** Operations that may stand in a group: all that can be undone as part of one. */
export type GroupKind = 'step' | 'call' | 'all' | 'allSettled' | 'map' | 'race' | 'child' | 'sleep' | 'waitFor';
/** Operations that concern the saga as a whole. */
export type BodyKind = 'pivot' | 'continueAs';
export type OperationKind = GroupKind | BodyKind | 'fail';

/** Something that a saga does. Nothing happens until it is written behind `yield*` or handed to a group. */
export interface Operation<T, Kind extends OperationKind = OperationKind> {
  readonly kind: Kind;
  [Symbol.iterator](): Generator<Kind extends BodyKind ? BodyTurn : Turn, T, unknown>;
}

export type Instruction =
  | StepInstruction
  | ChildInstruction
  | GroupInstruction
  | RaceInstruction
  | { readonly do: 'sleep'; readonly milliseconds: number }
  | { readonly do: 'waitFor'; readonly event: string; readonly milliseconds: number | undefined }
  | { readonly do: 'fail'; readonly failure: Failure }
  | { readonly do: 'continueAs'; readonly input: unknown };

export interface GroupInstruction {
  readonly do: 'group';
  readonly as: 'all' | 'allSettled' | 'map';
  readonly members: readonly MemberInstruction[];
  readonly concurrency: number;
  /** Without one, the first failure is the group's. */
  readonly tolerance: Tolerance | undefined;
}

/** How many members may fail while the group counts as done. */
export interface Tolerance {
  readonly minSuccess: number;
  readonly maxFailures: number;
}

export interface RaceInstruction {
  readonly do: 'race';
  /** By name, in the order in which they were written. */
  readonly members: readonly (readonly [string, MemberInstruction])[];
}

/** A generator of the author's that runs beside others. */
export interface BranchInstruction {
  readonly do: 'branch';
  readonly start: () => Generator<unknown, unknown, unknown>;
}

/** Never a pivot or a `fail`: checked by `memberInstructionOf`. */
export type MemberInstruction = Instruction | BranchInstruction;

export interface StepInstruction {
  readonly do: 'step';
  readonly as: 'step' | 'call' | 'pivot';
  readonly activity: Activity<never, unknown, never>;
  readonly key: string;
  readonly input: unknown;
  readonly retry: RetryPolicy | undefined;
  readonly timeout: number | undefined;
}

export interface ChildInstruction {
  readonly do: 'child';
  readonly saga: Saga<never, unknown>;
  readonly key: string;
  /** Of the instance that it will be. */
  readonly id: string;
  readonly input: unknown;
}

/** The one implementation of `Operation`: a description of what to do, handed to the runner when it is reached. */
export class DescribedOperation<T, Kind extends OperationKind> implements Operation<T, Kind> {
  readonly kind: Kind;
  readonly instruction: Instruction;

  constructor(kind: Kind, instruction: Instruction) {
    this.kind = kind;
    this.instruction = instruction;
  }

  [Symbol.iterator](): Generator<Kind extends BodyKind ? BodyTurn : Turn, T, unknown> {
    return new OperationTurn(this.instruction) as unknown as Generator<never, T, unknown>;
  }
}

/** What `yield*` goes through: it yields itself once, and gives back what it is then resumed with. */
export class OperationTurn implements IterableIterator<unknown, unknown, unknown> {
  readonly instruction: Instruction;
  #isYielded = false;

  constructor(instruction: Instruction) {
    this.instruction = instruction;
  }

  next(result?: unknown): IteratorResult<unknown, unknown> {
    if (this.#isYielded) return { done: true, value: result };
    this.#isYielded = true;
    return { done: false, value: this };
  }

  return(value: unknown): IteratorResult<unknown, unknown> {
    return { done: true, value };
  }

  throw(error: unknown): never {
    throw error;
  }

  [Symbol.iterator](): this {
    return this;
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

/** Gives it back, if it may stand in a group, a race or a branch. Throws for what concerns the saga as a whole. */
export function checkMember(instruction: Instruction, where: string): Instruction {
  if (instruction.do === 'step' && instruction.as === 'pivot') {
    throw new TypeError(`a pivot can't be part of ${where}: it belongs in the saga's body, before or after it`);
  }
  if (instruction.do === 'continueAs') {
    throw new TypeError(`saga.continueAs can't be part of ${where}: it belongs in the saga's body`);
  }
  return instruction;
}
