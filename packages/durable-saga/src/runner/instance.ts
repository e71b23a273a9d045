import type { Carried } from './carried';
import { Deadline } from './deadline';
import { noteCause, traceOf } from '../definition/cause';
import type { Definitions } from '../definition/definitions';
import type { Durable, EventHandle, Handle, Waits } from '../host/durable-port';
import { EventInbox } from './event-inbox';
import type { Failure } from '../definition/failure';
import type { Fiber } from './fiber';
import type { Halt } from './halt';
import { NEVER_HALT } from './halt';
import { KeyCounter } from './keys';
import type { ParkNotice } from '../definition/park-notice';
import { ParkingLot } from './parking';
import { Progress } from './progress';
import type { Saga } from '../definition/saga';
import { CANCEL_EVENT } from '../definition/saga';
import type { ParentStamp, Start } from './start-envelope';
import type { StepState } from './status';
import { tellParked } from './tell';
import { flattenOwed } from './undo-stack';

/** One running saga: what all parts of its runner share. */
export class Instance implements Halt {
  readonly durable: Durable;
  readonly version: string;
  /** When its first history began; milliseconds since the epoch. */
  readonly startedAt: number;
  /** Number of this history. */
  readonly generation: number;
  /** How many ids and random numbers were given out. */
  readonly drawn: { ids: number; numbers: number };
  readonly keys: KeyCounter;
  readonly progress: Progress;
  readonly inbox: EventInbox;
  readonly definitions: Definitions;
  /** Whether this saga is a child, and what that means for its pivot. */
  readonly parent: ParentStamp | undefined;
  /** Where it was started from, for those who follow traces. */
  readonly trace: string | undefined;
  /** Of a saga with a timeout. */
  readonly deadline: Deadline | undefined;
  /** An operator gave up an undo, or what a lost child owes. */
  undoWasGivenUp = false;
  readonly #saga: Saga<never, unknown>;
  readonly #earlierParking: Carried['parking'] | undefined;
  #parking: ParkingLot | undefined;
  #stopped: Failure | undefined;
  #cancel: EventHandle;
  #cancelIsWatched: boolean;
  /** `#cancel` alone, as most waits have it. */
  #cancelAlone: readonly Handle[];
  #isDone = false;
  /** Lost children whose undos are on this saga's own list now, by instance id. */
  readonly takenOver: string[] = [];
  /** This history is over: another one of the same instance begins. */
  isContinued = false;
  /** A child is running that alone knows whether it passes a pivot: until it says so, a cancel is neither. */
  childDecides = false;

  constructor(durable: Durable, saga: Saga<never, unknown>, start: Start, definitions: Definitions) {
    const { version, parent, trace } = start;
    const carried = typeof start.carried === 'object' ? start.carried : undefined;
    this.durable = durable;
    this.version = version;
    this.parent = parent;
    this.trace = trace;
    this.definitions = definitions;
    this.startedAt = carried?.startedAt ?? durable.now();
    this.generation = carried?.generation ?? 1;
    this.drawn = { ids: 0, numbers: 0, ...carried?.drawn };
    const owed = statesOf(carried, durable.instanceId);
    this.keys = new KeyCounter(durable.instanceId, carried?.counts, owed.keys());
    const sums = carried?.steps ?? [];
    this.progress = new Progress(saga.name, version, {
      startedAt: this.startedAt,
      generation: this.generation,
      sums,
      owed,
    });
    if (carried !== undefined) this.progress.pivot = carried.pivot;
    if (parent?.pivot === 'passed') this.progress.pivot = 'passed';
    this.#saga = saga;
    this.#earlierParking = carried?.parking;
    this.inbox = new EventInbox(durable, saga.events, carried?.inbox);
    this.#cancel = carried?.cancel === undefined ? durable.event(CANCEL_EVENT) : cameBefore(carried.cancel.payload);
    this.#cancelAlone = [this.#cancel];
    this.#cancelIsWatched = carried?.cancel !== undefined;
    const isOnItsWay = carried === undefined || (carried.pivot === 'none' && carried.goingBack === undefined);
    if (saga.timeout !== undefined && isOnItsWay) this.deadline = new Deadline(durable, this.startedAt + saga.timeout);
    this.progress.cancel = () => {
      if (!this.#cancel.done) return undefined;
      if (!this.#canStop()) return 'refused';
      return this.childDecides ? undefined : 'honoured';
    };
  }

  /** Halts everything before the pivot when the saga is cancelled or its time is over. */
  get untilStopped(): Halt {
    return this;
  }

  halted(): boolean {
    return this.stop() !== undefined;
  }

  handles(): readonly Handle[] {
    if (this.progress.pivot !== 'none' || this.progress.compensating) return NEVER_HALT.handles();
    return this.deadline === undefined ? this.#cancelAlone : [this.#cancel, ...this.deadline.handles()];
  }

  /** Most sagas never park. */
  get parking(): ParkingLot {
    const tell = (notice: ParkNotice): Fiber<void> => tellParked(this, this.#saga, notice);
    this.#parking ??= new ParkingLot(this.durable, this.progress, tell, this.#earlierParking);
    return this.#parking;
  }

  /** The pivot has not started, nor has the body done all it had to do. */
  #canStop(): boolean {
    return this.progress.pivot === 'none' && !this.#isDone;
  }

  /** Why the saga does not go on, if it does not: what came first, a cancel or the end of its time. */
  stop(): Failure | undefined {
    if (!this.#canStop()) return undefined;
    if (this.#stopped === undefined && this.#cancel.done) {
      const payload = this.#cancel.value();
      this.#stopped = cancelled(payload);
      noteCause(this.durable, traceOf(payload));
    }
    if (this.#stopped === undefined && this.deadline?.isOver()) this.#stopped = outOfTime(this.deadline.at);
    return this.#stopped;
  }

  /** The body has done all it had to do: what comes now is too late to cancel it. */
  markDone(): void {
    this.#isDone = true;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** The pivot starts: from here on the saga can't be stopped. */
  enterPivot(): void {
    this.progress.pivot = 'started';
    this.deadline?.suspend();
  }

  /** The pivot was refused for sure: the saga is before it again, and a cancel that came too late stays refused. */
  leavePivot(): void {
    this.progress.pivot = 'none';
    this.#stopped = undefined;
    this.deadline?.resume();
    if (!this.#cancel.done) return;
    this.#cancel = this.durable.event(CANCEL_EVENT);
    this.#cancelAlone = [this.#cancel];
    this.#cancelIsWatched = false;
  }

  /** What the next history must know. */
  toCarried(owed: Carried['owed'], goingBack: Carried['goingBack']): Carried {
    const { generation, startedAt, drawn, keys, progress, inbox, parking } = this;
    if (progress.pivot === 'started') throw new Error('a history must not end in the middle of a pivot');
    return {
      generation: generation + 1,
      startedAt,
      drawn,
      counts: keys.toData(),
      owed,
      pivot: progress.pivot,
      steps: progress.sumSteps(),
      inbox: inbox.toData(),
      parking: parking.toData(),
      ...(this.#cancel.done ? { cancel: { payload: this.#cancel.value() } } : {}),
      ...(goingBack === undefined ? {} : { goingBack }),
    };
  }

  /** Some wait has listened for a cancel: no other will be asked to. */
  get isWatching(): boolean {
    return this.#cancelIsWatched;
  }

  /** Adds what every instance listens to, once, to a wait: from then on it is noticed whenever it comes. */
  watch(waits: Waits): Waits {
    if (this.#cancelIsWatched) return waits;
    this.#cancelIsWatched = true;
    return [...waits, this.#cancel];
  }
}

const NO_STATES: ReadonlyMap<string, StepState> = new Map();

/** By key, what the instance's own steps are summed up as that still have an undo. */
function statesOf(carried: Carried | undefined, instanceId: string): ReadonlyMap<string, StepState> {
  if (carried === undefined) return NO_STATES;
  const states = new Map<string, StepState>();
  for (const { key, output } of flattenOwed(carried.owed)) {
    if (key.startsWith(`${instanceId}/`)) states.set(key, output === undefined ? 'unknown' : 'done');
  }
  return states;
}

function cameBefore(payload: unknown): EventHandle {
  return { done: true, value: () => payload };
}

function cancelled(payload: unknown): Failure {
  const reason = typeof payload === 'object' && payload !== null && 'reason' in payload ? payload.reason : undefined;
  const message = typeof reason === 'string' ? reason : 'the saga was cancelled';
  return { kind: 'cancelled', code: 'cancelled', message, retriable: false, effect: 'none' };
}

function outOfTime(deadline: number): Failure {
  const message = `the saga had not started its pivot by ${new Date(deadline).toISOString()}, its timeout`;
  return { kind: 'timeout', code: 'sagaTimeout', message, retriable: false, effect: 'none' };
}
