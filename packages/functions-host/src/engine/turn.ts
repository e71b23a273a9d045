/**
 * One turn of an orchestration: what came for it goes in, what follows comes out. Nothing is started or written here;
 * the turn says what is to be committed, and what to start once that is done.
 *
 * A turn is made of steps. A step hands some messages to the code and reads what the code opened. Messages are taken in
 * the order of their arrival, with two exceptions: what steers the instance (terminate, suspend, resume) goes first, and an external
 * event is held back until the code waits for its name. That keeps several events of one name in order, keeps
 * those that nobody has asked for yet, and carries them over a continue-as-new: the library by itself would lose some.
 * Code that looks at a wait it has left (`isCompleted`) is given the event that is held for it all the same.
 */
import { isFinished } from '../store/store';
import { NonDeterminism, type OrchestratorExecution, type Orchestrators, type TurnSoFar } from './execution';
import type { EventRaised, FedEvent } from './history';
import type { Instance } from './instance';
import { isPromiseLike, settled, type MaybeAsync } from './maybe-async';
import type { Answer, Parcel, RewindMessage } from './messages';
import { regainLocks, takeRewindTurn } from './rewinder';
import { toReleasesOf } from './entity-outcome';
import { end, note, readOutcome, record, type Turn } from './turn-outcome';

/**
 * Takes a turn of `instance` at the time `now`. `openExecution` brings its code to where the history ends.
 * The instance is changed along: a turn that was taken is always committed.
 */
export function* takeTurn(
  instance: Instance,
  orchestrators: Orchestrators,
  openExecution: () => OrchestratorExecution | PromiseLike<OrchestratorExecution>,
  now: number,
): MaybeAsync<Turn> {
  const at = Math.max(now, instance.lastTurnAt);
  const turn: Turn = {
    turn: instance.nextTurn,
    at,
    events: [],
    work: [],
    cancelledTimers: [],
    output: undefined,
    customStatus: undefined,
    status: instance.status,
    continuedWith: undefined,
    waiting: [],
    used: [],
    abandoned: [],
    mail: [],
  };
  const rewind = instance.arrived.find(isRewind);
  if (rewind !== undefined) {
    takeRewindTurn(instance, turn, rewind);
    finishTurn(instance, turn);
    return turn;
  }
  const parcels = steer(instance, turn, [...instance.held, ...instance.arrived]);
  instance.arrived = [];
  if (isFinished(turn.status) || turn.status === 'Suspended') {
    turn.waiting = parcels;
  } else {
    const left = regainLocks(instance, turn, parcels);
    if (instance.regaining.size > 0) {
      turn.waiting = left;
    } else {
      turn.status = 'Running';
      try {
        yield* runSteps(instance, orchestrators, openExecution, turn, left);
      } catch (error) {
        end(instance, turn, { kind: 'failed', message: describeError(error) });
        turn.waiting = left.filter((parcel) => !turn.used.includes(parcel));
      }
    }
  }
  finishTurn(instance, turn);
  return turn;
}

/** Acts on the messages that steer the instance and returns the others. */
function steer(instance: Instance, turn: Turn, parcels: Parcel[]): Parcel[] {
  if (instance.status === 'Running' && !parcels.some(isSteering)) return parcels;
  return parcels.filter((parcel) => {
    const { message } = parcel;
    if (isFinished(turn.status) || !isSteering(parcel)) return true;
    turn.used.push(parcel);
    if (message.kind === 'terminate') {
      note(turn, { kind: 'terminated', reason: message.reason });
      turn.status = 'Terminated';
      turn.output = JSON.stringify(message.reason);
      turn.abandoned = [...instance.open.values()];
      turn.mail.push(...toReleasesOf(instance));
    } else if (message.kind === 'suspend' && turn.status !== 'Suspended') {
      note(turn, { kind: 'suspended', reason: message.reason });
      turn.status = 'Suspended';
      turn.output = JSON.stringify(message.reason);
    } else if (message.kind === 'resume' && turn.status === 'Suspended') {
      note(turn, { kind: 'resumed', reason: message.reason });
      turn.status = 'Running';
      turn.output = null;
    }
    return false;
  });
}

function isRewind(parcel: Parcel): parcel is Parcel & { readonly message: RewindMessage } {
  return parcel.message.kind === 'rewind';
}

function isSteering({ message }: Parcel): boolean {
  return message.kind === 'terminate' || message.kind === 'suspend' || message.kind === 'resume';
}

function* runSteps(
  instance: Instance,
  orchestrators: Orchestrators,
  openExecution: () => OrchestratorExecution | PromiseLike<OrchestratorExecution>,
  turn: Turn,
  parcels: Parcel[],
): MaybeAsync<void> {
  const refusal = orchestrators.refuse(instance.name);
  if (refusal !== undefined) throw new Error(refusal);
  instance.execution ??= yield* settled(openExecution());
  const { execution } = instance;
  const queue = dropStale(instance, turn, parcels);
  let { fed, passed } = nextFed(instance, turn, execution, queue);
  while (fed.length > 0) {
    const soFar: TurnSoFar = { turn: turn.turn, at: turn.at, events: [...turn.events] };
    const held = queue.slice(0, passed).map(toEventRaised);
    for (const event of fed) record(instance, turn, event);
    const stepped = execution.step(soFar, fed, held);
    const outcome = isPromiseLike(stepped) ? yield* settled(stepped) : stepped;
    if (outcome.taken.length > 0) takeHeld(turn, soFar, queue, held, outcome.taken);
    const again = readOutcome(instance, orchestrators, turn, outcome, fed);
    if (isFinished(turn.status) || turn.continuedWith !== undefined) break;
    ({ fed, passed } = again.length > 0 ? { fed: again, passed: 0 } : nextFed(instance, turn, execution, queue));
  }
  if (queue.length > 0) {
    const isKept = ({ message }: Parcel): boolean => turn.continuedWith === undefined || message.kind === 'event';
    turn.waiting = queue.filter(isKept);
    turn.used.push(...queue.filter((parcel) => !isKept(parcel)));
  }
  if (instance.history !== undefined && turn.events.length > 0) {
    yield* settled(execution.verify(instance.history, turn));
  }
}

/** Drops answers that nothing waits for: late ones of an earlier execution, repeated ones, and those of cancelled timers. */
function dropStale(instance: Instance, turn: Turn, parcels: Parcel[]): Parcel[] {
  const seen = new Set<number>();
  return parcels.filter((parcel) => {
    const { message } = parcel;
    if (!('executionId' in message)) return true;
    if (message.executionId === instance.executionId && instance.open.has(message.id) && !seen.has(message.id)) {
      seen.add(message.id);
      return true;
    }
    turn.used.push(parcel);
    return false;
  });
}

/**
 * Takes the next messages for the code off the queue: all answers up to the first event that the code waits for now, or that event.
 * Events that the code does not wait for stay.
 */
function nextFed(
  instance: Instance,
  turn: Turn,
  execution: OrchestratorExecution,
  queue: Parcel[],
): {
  readonly fed: FedEvent[];
  /** How many events at the head of the queue were passed over. */ readonly passed: number;
} {
  const fed: FedEvent[] = [];
  let kept = 0;
  let i = 0;
  for (; i < queue.length; i++) {
    const parcel = queue[i];
    if (parcel === undefined) continue;
    const { message } = parcel;
    if (message.kind === 'event') {
      if (!instance.hasBegun || !execution.waitsFor(message.name)) {
        queue[kept++] = parcel;
        continue;
      }
      if (fed.length > 0) break;
      const { name, input, at } = message;
      fed.push({ kind: 'eventRaised', name, input, at });
      turn.used.push(parcel);
      i += 1;
      break;
    }
    turn.used.push(parcel);
    if (message.kind === 'begin') {
      if (!instance.hasBegun) fed.push({ kind: 'executionStarted' });
      instance.hasBegun = true;
    } else if ('executionId' in message && instance.open.has(message.id)) {
      fed.push(toFedEvent(message));
    }
  }
  queue.splice(kept, i - kept);
  return { fed, passed: kept };
}

/** Held events that the code looked for and found come before what the step was given. */
function takeHeld(
  turn: Turn,
  before: TurnSoFar,
  queue: Parcel[],
  held: readonly EventRaised[],
  taken: readonly EventRaised[],
): void {
  turn.used.push(...queue.filter((_, i) => i < held.length && taken.some((event) => event === held[i])));
  const rest = queue.filter((parcel) => !turn.used.includes(parcel));
  queue.splice(0, queue.length, ...rest);
  turn.events.splice(before.events.length, 0, ...taken);
}

function toEventRaised({ message }: Parcel): EventRaised {
  if (message.kind !== 'event') throw new Error(`Expected an external event to be passed over, got ${message.kind}.`);
  const { name, input, at } = message;
  return { kind: 'eventRaised', name, input, at };
}

function toFedEvent(answer: Answer): FedEvent {
  switch (answer.kind) {
    case 'activityCompleted':
    case 'childCompleted':
      return { kind: answer.kind, id: answer.id, result: answer.result };
    case 'activityFailed':
    case 'childFailed':
      return { kind: answer.kind, id: answer.id, failure: answer.failure };
    case 'timerFired':
      return { kind: 'timerFired', id: answer.id };
    case 'lockGranted':
      return { kind: 'lockGranted', id: answer.id };
    case 'entityAnswered': {
      const { kind, id, result, isError } = answer;
      return { kind, id, ...(result !== undefined && { result }), ...(isError && { isError }) };
    }
  }
}

function finishTurn(instance: Instance, turn: Turn): void {
  instance.status = turn.status;
  if (isFinished(turn.status)) {
    // Events that nobody took stay to be seen with the history, and what entities answered stays for a rewind, since no
    // operation runs twice; everything else is void.
    const isKept = ({ message: { kind } }: Parcel): boolean =>
      kind === 'event' || (kind === 'entityAnswered' && turn.status === 'Failed');
    turn.used.push(...turn.waiting.filter((parcel) => !isKept(parcel)));
    turn.waiting = turn.waiting.filter(isKept);
  }
  instance.held = turn.waiting;
  if (turn.events.length === 0) return;
  instance.nextTurn += 1;
  instance.lastTurnAt = turn.at;
  instance.updatedAt = turn.at;
  instance.history?.push(turn);
}

function describeError(error: unknown): string {
  if (error instanceof NonDeterminism) return `Non-deterministic orchestrator: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
