import type { Durable, TimerHandle } from '../host/durable-port';
import { LONGEST_TIMER } from '../host/durable-port';

/** A point in time to wait for, however far away: as many timers one after another as it takes. */
export class Alarm {
  readonly #durable: Durable;
  readonly #at: number;
  #timer: TimerHandle;

  /** `at`: milliseconds since the epoch. */
  constructor(durable: Durable, at: number) {
    this.#durable = durable;
    this.#at = at;
    this.#timer = this.#nextTimer();
  }

  /** What to wait for now; may be another one after `rung` was asked. */
  get handle(): TimerHandle {
    return this.#timer;
  }

  /** Whether the time has come. Goes on to the next timer when one is over too early. */
  rung(): boolean {
    if (!this.#timer.done) return false;
    if (this.#durable.now() >= this.#at) return true;
    this.#timer = this.#nextTimer();
    return false;
  }

  /** Must be called when the wait ends otherwise. */
  cancel(): void {
    this.#timer.cancel();
  }

  #nextTimer(): TimerHandle {
    const now = this.#durable.now();
    return this.#durable.timer(Math.min(this.#at, now + LONGEST_TIMER));
  }
}
