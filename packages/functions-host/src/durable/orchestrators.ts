/**
 * Runs the app's orchestrators for the engine, in one of two ways.
 *
 * *Live* (sticky): the generator of an orchestrator is kept between turns and given what is new. Getting there after a
 * restart is a replay that is checked event by event against the history. *By replay*: every step runs the whole history
 * through the library's own entry point. That is the reference, what live turns are verified against, and the way for
 * apps with invocation hooks and for a library whose inside is not as expected.
 */
import {
  NonDeterminism,
  type OpenedTask,
  type OrchestratorExecution,
  type Orchestrators,
  type StepOutcome,
  type TurnSoFar,
} from '../engine/execution';
import { toEntityName } from '../engine/entity-id';
import { isFed, type EventRaised, type FedEvent, type HistoryTurn } from '../engine/history';
import {
  beforeEvents,
  canBeFed,
  describeState,
  dropActions,
  executionStarted,
  hasEnded,
  isTimerCancelled,
  readCustomStatus,
  readEnd,
  readOpened,
  toLibraryEvent,
  turnStarted,
  waitsFor,
  type Executor,
  type SeenSoFar,
} from './executor-seam';
import { HTTP_ACTIVITY } from './http-request';
import { offerHeld, type Offers } from './left-waits';
import type { DurableFunctions } from './ports';
import { callHandler, executorAfter, type Program } from './program';
import {
  feedOne,
  followHistory,
  openTimersOf,
  requireOpen,
  requireSilent,
  seenIn,
  startTurn,
  toLibraryHistory,
} from './replay';

export interface OrchestratorsOptions {
  readonly functions: DurableFunctions;
  readonly verifyReplay: 'all' | 'sample' | 'off';
  /** Runs every turn by replay. */
  readonly alwaysReplay: boolean;
  /** Version of sub-orchestrations that are started without one. */
  readonly defaultVersion?: string | undefined;
  /** Milliseconds between the requests of a `callHttp` that is answered with 202 and says nothing else. */
  readonly httpPollMs?: number | undefined;
}

const DEFAULT_HTTP_POLL_MS = 30_000;

export function createOrchestrators(options: OrchestratorsOptions): Orchestrators {
  const { functions } = options;
  const replays = (): boolean => options.alwaysReplay || functions.hasInvocationHooks();
  const verifies = (instanceId: string): boolean =>
    options.verifyReplay === 'all' || (options.verifyReplay === 'sample' && isSampled(instanceId));
  return {
    refuse: (name) =>
      functions.orchestrator(name) === undefined ? unknownFunction(functions, 'orchestrator', name) : undefined,
    defaultVersion: options.defaultVersion,
    refuseActivity: (name) =>
      name !== HTTP_ACTIVITY && functions.activity(name) === undefined
        ? unknownFunction(functions, 'activity', name)
        : undefined,
    refuseEntity: (id) => {
      const { name } = toEntityName(id);
      return functions.entity(name) === undefined ? unknownFunction(functions, 'entity', name) : undefined;
    },
    keepsHistory: (instanceId) => replays() || verifies(instanceId),
    open(about, history) {
      const fn = functions.orchestrator(about.name);
      if (fn === undefined) throw new Error(unknownFunction(functions, 'orchestrator', about.name));
      const program: Program = { functions, fn, about, httpPollMs: options.httpPollMs ?? DEFAULT_HTTP_POLL_MS };
      if (replays()) return ReplayingExecution.open(program, history);
      if (history.length === 0) return new LiveExecution(program);
      return LiveExecution.restore(program, history);
    },
  };
}

/** As the real host words it. */
export function unknownFunction(
  functions: DurableFunctions,
  kind: 'orchestrator' | 'activity' | 'entity',
  name: string,
): string {
  const known = functions.names(kind).map((each) => `'${each}'`);
  return (
    `The function '${name}' doesn't exist, is disabled, or is not an ${kind} function. ` +
    `Additional info: The following are the known ${kind} functions: ${known.join(', ')}.`
  );
}

/** One instance in a hundred, the same ones after a restart. */
function isSampled(instanceId: string): boolean {
  let hash = 0;
  for (let i = 0; i < instanceId.length; i++) hash = (hash * 31 + instanceId.charCodeAt(i)) | 0;
  return (hash >>> 0) % 100 === 0;
}

function readOutcome(executor: Executor, seen: SeenSoFar, timers: Set<number>): StepOutcome {
  const end = readEnd(executor);
  const cancelledTimers: number[] = [];
  if (end === undefined) {
    for (const id of timers) if (isTimerCancelled(executor, id)) cancelledTimers.push(id);
    for (const id of cancelledTimers) timers.delete(id);
  }
  const opened = readOpened(executor, seen, end?.kind === 'failed');
  for (const task of opened) if (task.kind === 'timer') timers.add(task.id);
  return { opened, taken: [], cancelledTimers, customStatus: readCustomStatus(executor), end };
}

function lockWidthOf(opened: readonly OpenedTask[]): number | undefined {
  const last = opened.findLast((task) => task.kind === 'lock');
  return last?.entityIds.length;
}

/**
 * A replay costs as much as the history is long. Up to this many turns each one is verified; then the history has to grow
 * by a fiftieth before the next verification, so that verifying stays in proportion to the work. The end is always verified.
 */
const ALWAYS_VERIFIED_TURNS = 500;
const VERIFY_GROWTH = 1.02;

/** An orchestrator whose generator lives between turns. */
class LiveExecution implements OrchestratorExecution {
  readonly #program: Program;
  #executor: Executor | undefined;
  #seen: SeenSoFar = seenIn([]);
  readonly #timers = new Set<number>();
  /** Length of the history from which on the next verification is due. */
  #verifyFrom = 0;

  constructor(program: Program) {
    this.#program = program;
  }

  /** Brings an orchestrator to where its history ends, checking every event on the way. */
  static restore(
    program: Program,
    history: readonly HistoryTurn[],
  ): OrchestratorExecution | Promise<OrchestratorExecution> {
    const executor = replayFirst(program, history, false);
    return executor instanceof Promise
      ? executor.then((late) => LiveExecution.#follow(program, late, history))
      : LiveExecution.#follow(program, executor, history);
  }

  static #follow(program: Program, executor: Executor, history: readonly HistoryTurn[]): OrchestratorExecution {
    if (!canBeFed(executor)) return ReplayingExecution.after(program, history, executor);
    const execution = new LiveExecution(program);
    execution.#executor = executor;
    followHistory(executor, history);
    dropActions(executor);
    execution.#seen = { ...seenIn(history), nextId: executor.sequenceNumber, silent: 0 };
    for (const id of openTimersOf(history)) execution.#timers.add(id);
    return execution;
  }

  step(turn: TurnSoFar, fed: readonly FedEvent[], held: readonly EventRaised[]): StepOutcome | Promise<StepOutcome> {
    const executor = this.#executor;
    if (executor === undefined) return this.#begin(turn, fed);
    if (!turn.events.some(isFed)) startTurn(executor, turn.at, false);
    if (held.length === 0) return this.#feed(executor, turn.at, fed);
    const offers = offerHeld(executor, held);
    const outcome = this.#feed(executor, turn.at, fed);
    offers.end();
    return { ...outcome, taken: offers.taken };
  }

  #begin(turn: TurnSoFar, fed: readonly FedEvent[]): StepOutcome | Promise<StepOutcome> {
    const { about } = this.#program;
    const started = callHandler(
      this.#program,
      [turnStarted(turn.at, false), executionStarted(about, turn.at, false)],
      false,
    );
    const executor = executorAfter(started);
    const goOn = (ready: Executor): StepOutcome => {
      this.#executor = ready;
      return this.#feed(ready, turn.at, fed);
    };
    return executor instanceof Promise ? executor.then(goOn) : goOn(executor);
  }

  #feed(executor: Executor, at: number, fed: readonly FedEvent[]): StepOutcome {
    for (const event of fed) {
      if (hasEnded(executor)) break;
      if (event.kind !== 'executionStarted') feedOne(executor, event, at, false);
      if (event.kind === 'timerFired') this.#timers.delete(event.id);
    }
    const outcome = readOutcome(executor, this.#seen, this.#timers);
    const { lockWidth } = this.#seen;
    this.#seen = { nextId: executor.sequenceNumber, silent: 0, lockWidth: lockWidthOf(outcome.opened) ?? lockWidth };
    dropActions(executor);
    return outcome;
  }

  waitsFor(eventName: string): boolean {
    return this.#executor !== undefined && waitsFor(this.#executor, eventName);
  }

  verify(earlier: readonly HistoryTurn[], latest: HistoryTurn): void | Promise<void> {
    const executor = this.#executor;
    if (executor === undefined || (earlier.length + 1 < this.#verifyFrom && !hasEnded(executor))) return;
    const history = [...earlier, latest];
    if (history.length > ALWAYS_VERIFIED_TURNS) this.#verifyFrom = Math.ceil(history.length * VERIFY_GROWTH);
    const program = this.#program;
    const shadow = executorAfter(callHandler(program, toLibraryHistory(program.about, history, true), true));
    const compare = (replayed: Executor): void | Promise<void> => {
      requireSilent(replayed, history);
      return requireSameState(program, executor, replayed, history);
    };
    return shadow instanceof Promise ? shadow.then(compare) : compare(shadow);
  }
}

/** A replay of the first code up to its first wait; the rest of the history can be fed from there. */
function replayFirst(
  program: Program,
  history: readonly HistoryTurn[],
  isQuiet: boolean,
): Executor | Promise<Executor> {
  const at = history[0]?.at ?? 0;
  const events = [turnStarted(at, true), executionStarted(program.about, at, true), turnStarted(at, true)];
  return executorAfter(callHandler(program, events, isQuiet));
}

/** The live state must be that of a replay. When it is not, a replay step by step looks for where they part. */
function requireSameState(
  program: Program,
  live: Executor,
  replayed: Executor,
  history: readonly HistoryTurn[],
): void | Promise<void> {
  const liveState = describeState(live);
  const replayedState = describeState(replayed);
  const differs = (line: string, i: number): boolean => line !== replayedState[i];
  if (liveState.length === replayedState.length && !liveState.some(differs)) return;
  const at = Math.max(0, liveState.findIndex(differs));
  const fail = (): never => {
    throw new NonDeterminism(
      `After turn ${history.at(-1)?.turn}: expected ${replayedState[at] ?? 'nothing more'} by a replay, got ${liveState[at] ?? 'nothing more'}.`,
    );
  };
  const follow = (fresh: Executor): void => {
    followHistory(fresh, history);
    fail();
  };
  const fresh = replayFirst(program, history, true);
  if (fresh instanceof Promise) return fresh.then(follow);
  follow(fresh);
}

/** An orchestrator that is run from the start of its history at every step. */
class ReplayingExecution implements OrchestratorExecution {
  readonly #program: Program;
  /** The engine's own list: it grows with each turn. */
  readonly #history: readonly HistoryTurn[];
  #executor: Executor | undefined;

  constructor(program: Program, history: readonly HistoryTurn[]) {
    this.#program = program;
    this.#history = history;
  }

  static open(
    program: Program,
    history: readonly HistoryTurn[],
  ): OrchestratorExecution | Promise<OrchestratorExecution> {
    if (history.length === 0) return new ReplayingExecution(program, history);
    const checked = (executor: Executor): OrchestratorExecution => {
      if (canBeFed(executor)) followHistory(executor, history);
      return ReplayingExecution.after(program, history, executor);
    };
    const executor = replayFirst(program, history, true);
    return executor instanceof Promise ? executor.then(checked) : checked(executor);
  }

  static after(program: Program, history: readonly HistoryTurn[], executor: Executor): OrchestratorExecution {
    const execution = new ReplayingExecution(program, history);
    execution.#executor = executor;
    return execution;
  }

  step(turn: TurnSoFar, fed: readonly FedEvent[], held: readonly EventRaised[]): StepOutcome | Promise<StepOutcome> {
    const { about } = this.#program;
    const before = [...this.#history, turn];
    const history = toLibraryHistory(about, before, false);
    for (const event of fed) {
      history.push(
        event.kind === 'executionStarted'
          ? executionStarted(about, turn.at, false)
          : toLibraryEvent(event, turn.at, false),
      );
    }
    const { functions } = this.#program;
    let offers: Offers | undefined;
    const offerBeforeStep = (made: Executor): void => {
      let left = history.length - fed.length;
      beforeEvents(made, () => {
        if (left-- === 0) offers = offerHeld(made, held);
      });
    };
    const runsHooks = functions.hasInvocationHooks();
    const executor = executorAfter(
      callHandler(this.#program, history, false, runsHooks, held.length > 0 ? offerBeforeStep : undefined),
    );
    const read = (ready: Executor): StepOutcome => {
      this.#executor = ready;
      offers?.end();
      requireOpen(ready, before, fed);
      const outcome = readOutcome(ready, seenIn(before), openTimersOf(before, fed));
      return offers === undefined ? outcome : { ...outcome, taken: offers.taken };
    };
    return executor instanceof Promise ? executor.then(read) : read(executor);
  }

  waitsFor(eventName: string): boolean {
    return this.#executor !== undefined && waitsFor(this.#executor, eventName);
  }

  /** Every step of this kind is a replay already. */
  verify(): void {
    return;
  }
}
