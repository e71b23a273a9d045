import type { Carried } from './carried';
import type { ChildEnd } from './child-end';
import { toChildEnd } from './child-end';
import { compensate } from './compensation';
import { continueAs } from './continue-as';
import type { NextHistory } from './continue-as';
import { createContext } from './context';
import type { Definitions } from '../definition/definitions';
import type { Done } from './done';
import { HALTED } from './done';
import { defect, drive } from './drive';
import type { Durable, Handle } from '../host/durable-port';
import type { Failure, FailureKind, Issue } from '../definition/failure';
import type { Fiber, Life } from './fiber';
import { NEVER_HALT } from './halt';
import { Instance } from './instance';
import { tellLeftOver } from './left-over';
import { giveUp, NO_OUTPUT } from './parking';
import { perform } from './perform';
import type { Saga } from '../definition/saga';
import { whyNoJson } from '../definition/json';
import { listIssues, parseWith } from '../definition/schema';
import type { Scope } from './scope';
import { tellSettled } from './tell';
import type { SagaOutcome } from '../definition/settlement';
import type { Start } from './start-envelope';
import { readStart } from './start-envelope';
import { UndoStack } from './undo-stack';

type AnySaga = Saga<never, unknown>;

interface Failed {
  readonly kind: 'failed';
  readonly failure: Failure;
}

type Ending = { readonly kind: 'returned'; readonly result: unknown } | { readonly kind: 'continued' } | Failed;

/** Undos that a saga of several histories runs in one of them. */
const UNDOS_A_HISTORY = 500;

/**
 * The whole life of an instance: input -> body -> (undos) -> settled -> outcome. The orchestration itself completes,
 * whatever the outcome; `definitions` are all that this app has registered. Undefined when the saga goes on in another
 * history.
 */
export function runSaga(
  durable: Durable,
  saga: AnySaga,
  definitions: Definitions,
): Life<SagaOutcome | ChildEnd | undefined> {
  return beginSaga(durable, saga, definitions).life;
}

export interface BegunSaga {
  readonly instance: Instance;
  /** What it owes at any moment. */
  readonly undos: UndoStack;
  readonly life: Life<SagaOutcome | ChildEnd | undefined>;
}

/** As `runSaga`, for those who look into it while it runs. */
export function beginSaga(durable: Durable, saga: AnySaga, definitions: Definitions): BegunSaga {
  const start = readStart(durable.input, durable.hostVersion);
  if (definitions.observed) durable.caller = [saga.name, start.version];
  const instance = new Instance(durable, saga, start, definitions);
  const undos = new UndoStack();
  instance.progress.owes = () => undos.count;
  durable.showStatus(instance.progress);
  return { instance, undos, life: watched(instance, live(instance, saga, start, undos)) };
}

function watched<T>(instance: Instance, life: Fiber<T>): Life<T> {
  return {
    next(completed: Handle | undefined) {
      const turn = life.next(completed);
      return turn.done || instance.isWatching ? turn : { done: false, value: instance.watch(turn.value) };
    },
  };
}

function* live(
  instance: Instance,
  saga: AnySaga,
  start: Start,
  undos: UndoStack,
): Fiber<SagaOutcome | ChildEnd | undefined> {
  let ending: Ending | undefined;
  if (start.carried !== undefined) ending = yield* takeOver(instance, saga, start.carried, undos);
  if (ending === undefined) {
    ending = yield* runBody(instance, saga, start.input, undos);
    instance.deadline?.suspend();
    if (ending.kind === 'failed' && instance.progress.pivot === 'passed' && ending.failure.kind !== 'givenUp') {
      ending = failed(giveUp(yield* parkBody(instance, saga, ending.failure)));
    }
  }
  if (ending.kind === 'continued') return undefined;
  const outcome = ending.kind === 'returned' ? completed(ending.result) : yield* goBack(instance, ending, undos, start);
  if (outcome === undefined) return undefined;
  if (saga.settled !== undefined) yield* settle(instance, saga.settled, outcome);
  if (instance.inbox.hasMany) yield* tellLeftOver(instance);
  instance.progress.outcome = outcome.outcome;
  if (outcome.outcome !== 'completed') {
    const { kind, code, message } = outcome.failure;
    instance.durable.log(
      kind === 'defect' || outcome.outcome === 'compensationFailed' ? 'error' : 'warn',
      `saga ${instance.durable.instanceId} ended ${outcome.outcome}: ${kind} ${code}: ${message}`,
    );
  }
  return instance.parent === undefined ? outcome : toChildEnd(instance, outcome, undos);
}

function completed(result: unknown): SagaOutcome {
  return { outcome: 'completed', result };
}

/**
 * Takes over what an earlier history has left. Gives how the body ended there, if it did. What can't be read or names an
 * activity that is not there parks: an app that knows it may be deployed, and nothing owed is forgotten.
 */
function* takeOver(
  instance: Instance,
  saga: AnySaga,
  carried: Carried | string,
  undos: UndoStack,
): Fiber<Failed | undefined> {
  try {
    if (typeof carried === 'string') throw new TypeError(`what the last history has left can't be read: ${carried}`);
    undos.restore(carried.owed, instance.definitions);
    instance.undoWasGivenUp = carried.goingBack?.complete === false;
    return carried.goingBack === undefined ? undefined : failed(carried.goingBack.failure);
  } catch (thrown) {
    undos.clear();
    instance.undoWasGivenUp = true;
    return failed(giveUp(yield* parkBody(instance, saga, defect(thrown))));
  }
}

/**
 * Undoes what is owed; past the pivot nothing is, and an operator has decided that it can't be finished. Undefined when
 * there is more to undo than one history should hold: the rest is the next one's.
 */
function* goBack(
  instance: Instance,
  { failure }: Failed,
  undos: UndoStack,
  { input }: Start,
): Fiber<SagaOutcome | undefined> {
  const { progress } = instance;
  progress.failure = failure;
  if (progress.pivot === 'passed') return { outcome: 'compensationFailed', failure };
  progress.compensating = true;
  const atMost = instance.generation === 1 ? Infinity : UNDOS_A_HISTORY;
  let complete = !instance.undoWasGivenUp;
  for (;;) {
    const undone = yield* compensate(instance, undos, atMost);
    complete &&= undone && !instance.undoWasGivenUp;
    if (atMost === Infinity || undos.isEmpty) break;
    if (yield* continueAs(instance, { input, undos, goingBack: { failure, complete } })) return undefined;
  }
  return { outcome: complete ? 'compensated' : 'compensationFailed', failure };
}

/** Runs the author's generator to its end, or to what ends it from outside. */
function* runBody(instance: Instance, saga: AnySaga, input: unknown, undos: UndoStack): Fiber<Ending> {
  try {
    const parsed = parseWith(saga.input, input);
    if (!parsed.ok) return failed(invalid('validation', 'invalidInput', `input of saga '${saga.name}'`, parsed.issues));
    const scope: Scope = { undos, halt: instance.untilStopped, lost: NEVER_HALT };
    const done = yield* drive(
      () => saga.body(createContext(instance, saga), parsed.value),
      (instruction) =>
        instruction.do === 'continueAs'
          ? endHistory(instance, { input: instruction.input, undos })
          : perform(instance, instruction, scope),
      scope.halt,
    );
    if (instance.isContinued) return { kind: 'continued' };
    const stopped = instance.stop();
    if (stopped !== undefined) return failed(stopped);
    if (done.kind === 'halted') throw new Error('the body was halted though nothing stopped the saga');
    if (done.kind !== 'value') return failed(done.failure);
    const ending = checkResult(instance, saga, done.value);
    if (ending.kind === 'returned') instance.markDone();
    return ending;
  } catch (thrown) {
    return failed(defect(thrown));
  }
}

function* endHistory(instance: Instance, next: NextHistory): Fiber<Done> {
  yield* continueAs(instance, next);
  return HALTED;
}

function checkResult({ definitions }: Instance, saga: AnySaga, result: unknown): Ending {
  if (saga.output === undefined) return { kind: 'returned', result: undefined };
  const what = `result of saga '${saga.name}'`;
  const parsed = parseWith(saga.output, result);
  if (!parsed.ok) return failed(invalid('defect', 'invalidResult', what, parsed.issues));
  const notJson = whyNoJson(parsed.value);
  if (notJson !== undefined) return failed(invalid('defect', 'invalidResult', what, [{ path: '', message: notJson }]));
  const tooLarge = definitions.claims.tooLarge(what, parsed.value);
  if (tooLarge === undefined) return { kind: 'returned', result: parsed.value };
  return failed({ kind: 'defect', code: 'tooLarge', message: tooLarge, retriable: false, effect: 'none' });
}

/**
 * The body failed after the pivot: going back would undo what the pivot made final, and a body can't be tried again by
 * itself. An operator gives it up, or a corrected app is deployed: its replay passes the place, since parking takes
 * nothing from the history but an event.
 */
function* parkBody(instance: Instance, saga: AnySaga, failure: Failure): Fiber<Failure> {
  const key = `${instance.durable.instanceId}/${saga.name}`;
  for (;;) {
    const resolution = yield* instance.parking.park({
      what: 'body',
      name: saga.name,
      key,
      failure,
      parseSkip: () => NO_OUTPUT,
    });
    if (resolution.action !== 'retry') return failure;
  }
}

/** Tells the author's `settled` activity how it ended. */
function* settle(instance: Instance, settled: NonNullable<AnySaga['settled']>, outcome: SagaOutcome): Fiber<void> {
  yield* tellSettled(instance, settled, instance.keys.next(settled.name), {
    saga: instance.progress.saga,
    instanceId: instance.durable.instanceId,
    outcome: outcome.outcome,
    ...(outcome.outcome === 'completed' ? {} : { failure: outcome.failure }),
  });
}

function failed(failure: Failure): Failed {
  return { kind: 'failed', failure };
}

function invalid(kind: FailureKind, code: string, what: string, issues: readonly Issue[]): Failure {
  const message = `${what} does not match its schema: ${listIssues(issues)}`;
  return { kind, code, message, retriable: false, effect: 'none', issues };
}
