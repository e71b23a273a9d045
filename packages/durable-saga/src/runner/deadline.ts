import { Alarm } from './alarm';
import type { Durable, Handle } from '../host/durable-port';

/** The point in time at which a saga that has not started its pivot gives up. Its timer runs only while it counts. */
export class Deadline {
  readonly #durable: Durable;
  /** Milliseconds since the epoch. */
  readonly at: number;
  #alarm: Alarm | undefined;

  constructor(durable: Durable, at: number) {
    this.#durable = durable;
    this.at = at;
    this.resume();
  }

  /** What a wait must include to notice. */
  handles(): readonly Handle[] {
    return this.#alarm === undefined ? [] : [this.#alarm.handle];
  }

  isOver(): boolean {
    return this.#alarm?.rung() ?? false;
  }

  /** It does not count any more: the pivot has started, or the body has ended. */
  suspend(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  /**
   * It counts again: the pivot was refused. Where the time is over by then, the saga's next wait ends by it, so that the
   * body still learns why the pivot was refused.
   */
  resume(): void {
    this.#alarm ??= new Alarm(this.#durable, Math.max(this.at, this.#durable.now()));
  }
}
