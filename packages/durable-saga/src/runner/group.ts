import { undoAtOnce } from './compensation';
import type { Done } from './done';
import { HALTED } from './done';
import { defect } from './drive';
import type { Failure } from '../definition/failure';
import type { Fiber } from './fiber';
import { parallel } from './fiber';
import { eitherHalt } from './halt';
import type { Instance } from './instance';
import type { GroupInstruction, MemberInstruction, Tolerance } from '../definition/operation';
import type { Scope } from './scope';
import type { UndoStack } from './undo-stack';

/** Does one member of a group or race in a scope of its own. */
export type MemberRunner = (member: MemberInstruction, scope: Scope) => Fiber<Done>;

/** Runs the members of a group side by side. */
export function runGroup(
  instance: Instance,
  { members, concurrency, tolerance }: GroupInstruction,
  scope: Scope,
  run: MemberRunner,
): Fiber<Done> {
  const undos = scope.undos.openGroup(concurrency);
  return tolerance === undefined
    ? runAll(members, concurrency, { ...scope, undos }, run)
    : runTolerant(instance, { members, concurrency, tolerance }, { ...scope, undos }, run);
}

/** After one failure nothing more starts and waits end; what is under way settles. */
function* runAll(
  members: readonly MemberInstruction[],
  concurrency: number,
  scope: Scope,
  run: MemberRunner,
): Fiber<Done> {
  const results: unknown[] = new Array<unknown>(members.length).fill(undefined);
  let failed: Extract<Done, { failure: Failure }> | undefined;
  const halt = eitherHalt(scope.halt, () => failed !== undefined);
  const inGroup: Scope = { undos: scope.undos, halt, lost: scope.lost };
  const starts = members.map((member) => () => run(member, scopeOf(member, inGroup)));
  yield* parallel<Done>(starts, {
    limit: concurrency,
    mayStart: () => !halt.halted(),
    onSettled(index, done) {
      if (done.kind === 'value') results[index] = done.value;
      else if (done.kind !== 'halted') failed ??= done;
    },
    onThrown: endedByDefect,
  });
  if (failed !== undefined) return failed;
  return halt.halted() ? HALTED : { kind: 'value', value: results };
}

/**
 * Tries all members, as long as the tolerance can be met. What the failed ones did or maybe did is undone before the
 * saga goes on with the others' results: they are results of a saga that may well complete.
 */
function* runTolerant(
  instance: Instance,
  { members, concurrency, tolerance }: Pick<GroupInstruction, 'members' | 'concurrency'> & { tolerance: Tolerance },
  scope: Scope,
  run: MemberRunner,
): Fiber<Done> {
  const settled: unknown[] = new Array<unknown>(members.length).fill(undefined);
  const failed: { readonly undos: UndoStack }[] = [];
  let succeeded = 0;
  let ended: Done | undefined;
  const isExceeded = (): boolean =>
    failed.length > tolerance.maxFailures || members.length - failed.length < tolerance.minSuccess;
  const halt = eitherHalt(scope.halt, () => ended !== undefined || isExceeded());
  const tried = members.map((member) => ({ member, undos: scope.undos.openGroup(1) }));
  const starts = tried.map(
    ({ member, undos }) =>
      () =>
        run(member, { ...scope, undos, halt }),
  );
  yield* parallel<Done>(starts, {
    limit: concurrency,
    mayStart: () => !halt.halted(),
    onSettled(index, done) {
      if (done.kind === 'ended') ended ??= done;
      if (done.kind === 'value') {
        succeeded += 1;
        settled[index] = { status: 'done', value: done.value };
      }
      if (done.kind === 'failed') {
        failed.push(...tried.slice(index, index + 1));
        settled[index] = { status: 'failed', failure: done.failure };
      }
    },
    onThrown: endedByDefect,
  });
  if (ended !== undefined) return ended;
  if (scope.halt.halted()) return HALTED;
  if (isExceeded()) return { kind: 'failed', failure: toleranceExceeded(tolerance, succeeded, failed.length) };
  const givenUp = yield* undoAtOnce(
    instance,
    failed.map(({ undos }) => undos),
    concurrency,
  );
  return givenUp ?? { kind: 'value', value: settled };
}

/** A branch is undone in its own reverse order, beside the other members. */
function scopeOf(member: MemberInstruction, scope: Scope): Scope {
  return member.do === 'branch' ? { ...scope, undos: scope.undos.openGroup(1) } : scope;
}

/** What a member throws is a defect, as it is in a body: the others settle before anything is undone. */
export function endedByDefect(thrown: unknown): Done {
  return { kind: 'ended', failure: defect(thrown) };
}

function toleranceExceeded({ minSuccess, maxFailures }: Tolerance, succeeded: number, failed: number): Failure {
  const wanted = [
    ...(minSuccess > 0 ? [`at least ${minSuccess} to succeed`] : []),
    ...(maxFailures < Infinity ? [`at most ${maxFailures} to fail`] : []),
  ];
  return {
    kind: 'declared',
    code: 'toleranceExceeded',
    message: `expected ${wanted.join(' and ')}; ${failed} failed and ${succeeded} succeeded before no more was tried`,
    retriable: false,
    effect: 'none',
    details: { succeeded, failed },
  };
}
