import type { Definitions } from './definitions';
import type { Durable, EventHandle, Handle } from './durable-port';
import { EventInbox } from './event-inbox';
import type { Halt } from './halt';
import { KeyCounter } from './keys';
import { giveParkNotice } from './park-notice';
import { ParkingLot } from './parking';
import { Progress } from './progress';
import type { Saga } from './saga';
import { CANCEL_EVENT } from './saga';

/** One running saga: what all parts of its runner share. */
export class Instance {
  readonly durable: Durable;
  readonly version: string;
  readonly startedAt: number;
  readonly keys: KeyCounter;
  readonly progress: Progress;
  readonly parking: ParkingLot;
  readonly inbox: EventInbox;
  readonly definitions: Definitions;
  /** Halts what may be cancelled: everything before the pivot. */
  readonly untilCancelled: Halt;
  #cancel: EventHandle;
  #cancelIsWatched = false;
  #isDone = false;

  constructor(durable: Durable, saga: Saga<never, unknown>, version: string, definitions: Definitions) {
    this.durable = durable;
    this.version = version;
    this.definitions = definitions;
    this.startedAt = durable.now();
    this.keys = new KeyCounter(durable.instanceId);
    this.progress = new Progress(saga.name, version);
    this.parking = new ParkingLot(durable, this.progress, (notice) => giveParkNotice(this, saga, notice));
    this.inbox = new EventInbox(durable, saga.events);
    this.#cancel = durable.event(CANCEL_EVENT);
    this.progress.cancel = () => {
      if (!this.#cancel.done) return undefined;
      return this.isCancelled() ? 'honoured' : 'refused';
    };
    this.untilCancelled = {
      halted: () => this.isCancelled(),
      handles: () => (this.progress.pivot === 'none' && !this.progress.compensating ? [this.#cancel] : []),
    };
  }

  /** A cancel has arrived and is honoured: the pivot has not started, nor has the body done all it had to do. */
  isCancelled(): boolean {
    return this.#cancel.done && this.progress.pivot === 'none' && !this.#isDone;
  }

  /** The body has done all it had to do: what comes now is too late to cancel it. */
  markDone(): void {
    this.#isDone = true;
  }

  /** Why, as whoever cancelled said it. */
  get cancelReason(): string | undefined {
    const payload = this.#cancel.value();
    if (typeof payload === 'object' && payload !== null && 'reason' in payload && typeof payload.reason === 'string') {
      return payload.reason;
    }
    return undefined;
  }

  /** The pivot was refused for sure: the saga is before it again, and a cancel that came too late stays refused. */
  leavePivot(): void {
    this.progress.pivot = 'none';
    if (!this.#cancel.done) return;
    this.#cancel = this.durable.event(CANCEL_EVENT);
    this.#cancelIsWatched = false;
  }

  /** Adds what every instance listens to, once, to a wait: from then on it is noticed whenever it comes. */
  watch(handles: readonly Handle[]): readonly Handle[] {
    if (this.#cancelIsWatched) return handles;
    this.#cancelIsWatched = true;
    return [...handles, this.#cancel];
  }
}
