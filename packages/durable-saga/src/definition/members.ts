import type { Settled } from './failure';
import type { BranchInstruction, GroupKind, MemberInstruction, Operation, OperationKind, Turn } from './operation';
import { checkMember, DescribedOperation } from './operation';

/** A part of a saga that runs beside others: a generator function without parameters, written like a body. */
export type Branch<T> = () => Generator<Turn, T, unknown>;

/** What groups and races are made of: operations, or branches. */
export type Member<T = unknown> = Operation<T, GroupKind> | Branch<T>;

/** What `saga.map` makes of an item: a member, or, by a generator function, a branch. */
export type MappedMember<T = unknown> = Member<T> | Generator<Turn, T, unknown>;

export type ResultOf<M> =
  M extends Operation<infer T>
    ? T
    : M extends Generator<Turn, infer T, unknown>
      ? T
      : M extends Branch<infer T>
        ? T
        : never;

export type Results<Members extends readonly unknown[]> = {
  -readonly [Index in keyof Members]: ResultOf<Members[Index]>;
};

export type SettledResults<Members extends readonly unknown[]> = {
  -readonly [Index in keyof Members]: Settled<ResultOf<Members[Index]>>;
};

export type RaceResult<Members extends Readonly<Record<string, unknown>>> = {
  [Name in keyof Members]: { readonly winner: Name; readonly value: ResultOf<Members[Name]> };
}[keyof Members];

export interface GroupOptions {
  /** How many members run at once. Default: all. */
  readonly concurrency?: number;
}

/** How many failures a `saga.map` bears. With one of the two, all members are tried while it can be met. */
export type MapTolerance =
  | { readonly minSuccess: number; readonly maxFailures?: number }
  | { readonly minSuccess?: number; readonly maxFailures: number };

/** Reads a member. Throws a `TypeError` for what is none: a pivot, a `fail`, a generator that was called already. */
export function memberInstructionOf(member: unknown, where: string): MemberInstruction {
  if (typeof member === 'function') return toBranch(member as () => unknown, where);
  if (!(member instanceof DescribedOperation)) {
    const got = isGenerator(member)
      ? 'a generator that was called already: hand over the generator function itself'
      : typeof member;
    throw new TypeError(`${where}: expected operations such as saga.step(...), or generator functions, got ${got}`);
  }
  const { kind, instruction } = member as DescribedOperation<unknown, OperationKind>;
  if (kind === 'fail') throw new TypeError(`${where}: a fail can't be part of a group; write it in a branch`);
  return checkMember(instruction, `a group (${where})`);
}

/** Reads what the mapper of `saga.map` made of an item. */
export function mappedInstructionOf(mapped: unknown, where: string): MemberInstruction {
  return isGenerator(mapped) ? { do: 'branch', start: () => mapped } : memberInstructionOf(mapped, where);
}

function toBranch(branch: () => unknown, where: string): BranchInstruction {
  return {
    do: 'branch',
    start() {
      const body = branch();
      if (isGenerator(body)) return body;
      throw new TypeError(`${where}: expected a generator function (function* () {...}) as a branch`);
    },
  };
}

function isGenerator(value: unknown): value is Generator<unknown, unknown, unknown> {
  return typeof value === 'object' && value !== null && 'next' in value && 'throw' in value && Symbol.iterator in value;
}
