import type { Clock } from '../clock';

/** The one timer of a broker: set for whatever is due first. */
export class Alarm {
  readonly #clock: Clock;
  /** Does what is due, and says what is due next. */
  readonly #ring: () => number | undefined;
  #at = Infinity;
  #timer: { cancel(): void } | undefined;

  constructor(clock: Clock, ring: () => number | undefined) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Wakes at that time, or before. */
  wakeAt(at: number): void {
    if (at >= this.#at) return;
    this.#timer?.cancel();
    this.#at = at;
    this.#timer = this.#clock.schedule(at, () => {
      this.#at = Infinity;
      this.#timer = undefined;
      const next = this.#ring();
      if (next !== undefined) this.wakeAt(next);
    });
  }
}
