import { pursue } from './attempts';
import type { Done } from './done';
import type { ActivityHandle } from '../host/durable-port';
import type { Failure } from '../definition/failure';
import type { Fiber } from './fiber';
import { NEVER_HALT } from './halt';
import { hostFailure } from '../host/host-failure';
import type { Instance } from './instance';
import type { ChildInstruction } from '../definition/operation';
import type { OwedCall, OwedReport } from '../recovery/owed-report';
import { READ_OWED } from '../recovery/owed-report';
import { giveUp, NO_OUTPUT } from './parking';
import { StepRecord } from './progress';
import { planRetries } from '../definition/retry';
import { parseWith } from '../definition/schema';
import type { UndoStack } from './undo-stack';

/*
 * A child that was terminated, or that the platform failed, has not told its parent what it owes, nor whether it passed a
 * pivot. On a guess nothing is undone or gone on from: the parent parks.
 *
 * A `retry` does not run the child again, whose instance is over. It reads from the child's history what it owes and
 * takes that over: the child is then a failed step that is undone with the others. Where the history can't say it, the
 * parent parks again and says why, and only a person can know: `skip` and `fail` are for that. A cancel that comes
 * while it is parked reads first, too, and is a `fail` if that is of no avail.
 */

export interface Lost {
  readonly record: StepRecord;
  readonly outcome: ReturnType<ActivityHandle['outcome']>;
  /** The place for what the child owes, still empty. */
  readonly handed: UndoStack;
  /** Takes that place away. */
  readonly forget: () => void;
}

/** Parks until it is known what becomes of the parent. */
export function* resolveLost(instance: Instance, child: ChildInstruction, lost: Lost): Fiber<Done> {
  const { durable, progress, parking } = instance;
  const { record, forget } = lost;
  const { output, name } = child.saga;
  const cause = describe(child, lost.outcome);
  const reader = new StepRecord(READ_OWED, child.key, durable.now(), {
    before: () => undefined,
    after: () => undefined,
  });
  for (let failure = cause; ;) {
    record.fail(failure);
    record.become('parked');
    const parseSkip = (value: unknown) => (output === undefined ? NO_OUTPUT : parseWith(output, value));
    const halt = instance.stop() === undefined ? instance.untilStopped : NEVER_HALT;
    const resolution = yield* parking.park({ what: 'child', name, key: child.key, failure, parseSkip }, halt);
    if (resolution?.action === 'skip') {
      forget();
      record.end('skipped', durable.now());
      return { kind: 'value', value: resolution.output };
    }
    const report = resolution?.action === 'fail' ? undefined : yield* read(instance, child, reader);
    if (report !== undefined && isKnown(report)) return takeOver(instance, child, lost, report, cause);
    const isCancelled = resolution === undefined && instance.stop()?.kind === 'cancelled';
    if (report === undefined || isCancelled) {
      forget();
      record.end('failed', durable.now());
      instance.undoWasGivenUp = true;
      return { kind: progress.pivot === 'passed' ? 'ended' : 'failed', failure: giveUp(failure) };
    }
    failure = { ...cause, message: `${cause.message}. It can't be taken over: ${report.message}` };
  }
}

function describe({ saga, id, key }: ChildInstruction, outcome: Lost['outcome']): Failure {
  const { code, message } = outcome.ok
    ? { code: 'foreignReply', message: 'it gave back what no child saga gives back' }
    : hostFailure(outcome.error);
  return {
    kind: 'host',
    code,
    message: `the child saga '${saga.name}' (${id}) did not end by itself, so that it is unknown what it owes: ${message}`,
    retriable: false,
    effect: 'unknown',
    step: key,
  };
}

/** What the child's history says, or why it says nothing. */
function* read(instance: Instance, { id, key }: ChildInstruction, record: StepRecord): Fiber<OwedReport | Failure> {
  if (instance.progress.pivot === 'passed') {
    const message = 'the saga is past its pivot, and can only go forward';
    return { kind: 'declared', code: 'pastPivot', message, retriable: false, effect: 'none' };
  }
  const input: OwedCall = { id, asChild: true };
  const retries = planRetries('step', { attempts: 5 }, `activity '${READ_OWED}'`);
  const pursuit = { name: READ_OWED, key, input, timeout: undefined, retries, record, halt: NEVER_HALT };
  const told = yield* pursue(instance.durable, pursuit);
  return told.ok ? (told.value as OwedReport) : told.failure;
}

/** It is known what the child owes. */
type Known =
  Extract<OwedReport, { verdict: 'owes' }> | (Exclude<OwedReport, { verdict: 'owes' }> & { verdict: 'nothing' });

function isKnown(report: OwedReport | Failure): report is Known {
  return 'verdict' in report && (report.verdict === 'owes' || report.verdict === 'nothing');
}

/** The child as a failed step. */
function takeOver(
  instance: Instance,
  { id }: ChildInstruction,
  { record, handed, forget }: Lost,
  report: Known,
  cause: Failure,
): Done {
  const { durable, progress, definitions } = instance;
  if (report.isIncomplete === true) instance.undoWasGivenUp = true;
  if (report.verdict === 'owes') {
    handed.restore(report.owed, definitions);
    instance.takenOver.push(id);
    record.end('unknown', durable.now());
  } else {
    forget();
    record.end(report.isIncomplete === true ? 'undoFailed' : 'failed', durable.now());
  }
  // The child had refused a cancel, and then came back from its pivot.
  if (progress.pivot === 'started') instance.leavePivot();
  return { kind: 'failed', failure: cause };
}
