import { pursue } from './attempts';
import { cancelChild } from '../host/child-cancel';
import type { ChildWord } from '../host/child-cancel';
import type { ChildEnd } from './child-end';
import { readChildEnd } from './child-end';
import { findSaga } from '../definition/definitions';
import type { Done } from './done';
import type { ActivityHandle, Handle } from '../host/durable-port';
import type { Failure } from '../definition/failure';
import { copyAsJson } from '../definition/json';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import type { Instance } from './instance';
import { checkId, childIdOf } from './instance-id';
import type { ChildInstruction } from '../definition/operation';
import { resolveLost } from './lost-child';
import { StepRecord } from './progress';
import { planRetries } from '../definition/retry';
import type { ChildOptions, Saga } from '../definition/saga';
import type { Scope } from './scope';
import type { ParentStamp, StartEnvelope } from './start-envelope';
import type { UndoStack } from './undo-stack';

/*
 * A child is a saga of its own instance that is a part of its parent. What the two must agree on is where there is a way
 * back, although neither sees the other's history:
 *
 *  - Down goes, with the start, what the parent knows: that it is past its pivot, so that the child only goes forward;
 *    that the child stands in a group, so that it must not pass a pivot; or that it may.
 *  - Up comes, with the end, what the child knows: that it has passed a pivot, which takes the parent past its own; or
 *    the list of its undos, which the parent puts on its own stack, as a group that runs in the child's reverse order.
 *  - In between, the child alone knows whether its pivot has started. A cancel (or whatever else halts the parent) is
 *    handed on to it, and the child's word decides, as the order of its history has it. Until it has given its word the
 *    parent calls the cancel neither honoured nor refused.
 *
 * A child that did not end by itself, but was terminated or failed by the platform, has said neither (lost-child.ts).
 */

/** Describes `saga.child`. Throws for a saga that is not registered, and for an id that no platform takes or that a child has. */
export function describeChild(
  instance: Instance,
  other: Saga<never, unknown>,
  input: unknown,
  { key: ownKey, id }: ChildOptions = {},
): ChildInstruction {
  const { durable, definitions, keys } = instance;
  const saga = findSaga(definitions, other.name);
  const key = keys.next(saga.name, ownKey);
  const suffix = key.slice(`${durable.instanceId}/${saga.name}#`.length);
  if (id !== undefined) checkId(id);
  const childId = id ?? childIdOf(durable.instanceId, saga.name, suffix);
  keys.takeChildId(saga.name, childId);
  const asked = copyAsJson(`input of child '${saga.name}'`, input);
  return { do: 'child', saga, key, id: childId, input: asked };
}

/** Throws where a pivot would be one of a parallel group: in a child that runs in one. */
export function checkMayPivot({ parent }: Instance, pivot: string): void {
  if (parent?.pivot !== 'forbidden') return;
  throw new Error(
    `the pivot '${pivot}' can't be part of a group: the saga '${parent.id}' has this one as a child in a group, ` +
      'which has to be undone with its other members. Start the child before or after the group',
  );
}

/** Runs a child to its end, whatever that is. */
export function* runChild(instance: Instance, child: ChildInstruction, { undos, halt }: Scope): Fiber<Done> {
  const { durable, progress } = instance;
  const record = progress.begin(child.saga.name, child.key, durable.now());
  record.child = child.id;
  record.attempt();
  const stamp: ParentStamp = { id: durable.instanceId, pivot: pivotOf(instance, halt) };
  const envelope: StartEnvelope = { $saga: { version: child.saga.version, parent: stamp }, input: child.input };
  const handed = undos.openGroup(1, { saga: child.saga.name, id: child.id, key: child.key });
  const handle = durable.callChild(child.saga.name, child.id, envelope);
  const wait = progress.beginWait({ child: child.id, since: durable.now() });
  if (stamp.pivot === 'passed') while (!handle.done) yield [handle];
  else yield* awaitEnd(instance, child, handle, halt, stamp);
  progress.endWait(wait);
  const outcome = handle.outcome();
  const end = outcome.ok ? readChildEnd(outcome.value) : undefined;
  if (end === undefined) {
    return yield* resolveLost(instance, child, { record, outcome, handed, forget: () => undos.dropGroup(handed) });
  }
  if (end.outcome !== 'completed') undos.dropGroup(handed);
  if (stamp.pivot === 'allowed') takePivot(instance, end);
  return conclude(instance, child, record, end, handed);
}

function pivotOf({ progress, parent, untilStopped }: Instance, halt: Halt): ParentStamp['pivot'] {
  if (progress.pivot !== 'none') return 'passed';
  // What halts for other reasons than the saga itself is a group.
  return halt !== untilStopped || parent?.pivot === 'forbidden' ? 'forbidden' : 'allowed';
}

/** Waits for the end of a child that can still be called back, and calls it back when its parent is halted. */
function* awaitEnd(
  instance: Instance,
  child: ChildInstruction,
  handle: ActivityHandle,
  halt: Halt,
  { pivot }: ParentStamp,
): Fiber<void> {
  const mayPivot = pivot === 'allowed';
  if (mayPivot) instance.childDecides = true;
  let cancelling: Fiber<ChildWord> | undefined;
  let isTold = false;
  while (!handle.done) {
    if (halt.halted() && !isTold) {
      isTold = true;
      cancelling = tellToCancel(instance, child, handle);
    }
    const waits: Handle[] = halt.halted() ? [handle] : [handle, ...halt.handles()];
    const told = cancelling?.next();
    if (told?.done === true) {
      cancelling = undefined;
      if (mayPivot) heed(instance, told.value);
    } else if (told !== undefined) waits.push(...told.value);
    yield waits;
  }
  // Ends its waits, now that there is nobody left to tell.
  cancelling?.next();
  instance.childDecides &&= !mayPivot;
}

/** A cancel that the child refuses is refused by its parent: the child's pivot is the parent's. */
function heed(instance: Instance, word: ChildWord): void {
  if (word === 'refused') instance.enterPivot();
  instance.childDecides = false;
}

/** Until the child has given its word or has ended. */
function* tellToCancel(instance: Instance, { id, key }: ChildInstruction, handle: ActivityHandle): Fiber<ChildWord> {
  const { durable } = instance;
  const { name, retry, timeout } = cancelChild;
  const hasEnded: Halt = { halted: () => handle.done, handles: () => [handle] };
  const record = new StepRecord(name, key, durable.now(), { before: () => undefined, after: () => undefined });
  const retries = planRetries('step', retry, `activity '${name}'`);
  const reason =
    instance.stop()?.message ?? `the saga '${durable.instanceId}', of which it is a part, goes on without it`;
  for (let raise = true; ; raise = false) {
    const input = { id, raise, reason };
    const told = yield* pursue(durable, { name, key, input, timeout, retries, record, halt: hasEnded });
    const word = told.ok ? (told.value as { readonly word: ChildWord }).word : 'ended';
    if (word !== 'asked' || handle.done) return word;
  }
}

/** Where the child passed its pivot the parent has passed its own; where it came back from it, the parent has too. */
function takePivot(instance: Instance, { $child }: ChildEnd): void {
  const { progress } = instance;
  if ($child.pivot === 'passed') {
    instance.enterPivot();
    progress.pivot = 'passed';
  } else if (progress.pivot === 'started') instance.leavePivot();
}

function conclude(
  instance: Instance,
  { saga, id, key }: ChildInstruction,
  record: StepRecord,
  end: ChildEnd,
  handed: UndoStack,
): Done {
  const { durable, progress, definitions } = instance;
  if (end.outcome === 'completed') {
    handed.restore(end.$child.owed, definitions);
    record.end('done', durable.now());
    return { kind: 'value', value: end.result };
  }
  const isComplete = end.outcome === 'compensated';
  const said = isComplete ? 'was undone' : 'could not be finished, nor undone in full';
  const failure: Failure = {
    ...end.failure,
    message: `the child saga '${saga.name}' (${id}) ${said}: ${end.failure.message}`,
    step: end.failure.step ?? key,
    retriable: false,
    effect: isComplete ? 'none' : 'unknown',
  };
  record.fail(failure);
  record.end(isComplete ? 'failed' : 'undoFailed', durable.now());
  if (progress.pivot === 'passed') return { kind: 'ended', failure: { ...failure, kind: 'givenUp' } };
  if (!isComplete) instance.undoWasGivenUp = true;
  return { kind: 'failed', failure };
}
