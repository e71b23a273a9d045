import type { Durable, EventHandle, Handle } from '../host/durable-port';

/**
 * What comes under one event's name, in the order of its arrival. It keeps one wait open at a time, since of two waits
 * of one name hosts complete the later first.
 */
export class EventQueue {
  readonly #durable: Durable;
  readonly #name: string;
  /** Came before, and waits to be taken. */
  #payloads: unknown[];
  #taken = 0;
  #pending: EventHandle | undefined;

  /** `early`: what an earlier history has left. */
  constructor(durable: Durable, name: string, early: readonly unknown[] = []) {
    this.#durable = durable;
    this.#name = name;
    this.#payloads = [...early];
  }

  /** Takes the next payload, if one has come. */
  next(): { readonly payload: unknown } | undefined {
    if (this.#taken === this.#payloads.length) return this.#arrived();
    const payload = this.#payloads[this.#taken];
    this.#taken += 1;
    return { payload };
  }

  /** What to wait for after `next` found nothing. */
  handle(): Handle {
    this.#pending ??= this.#durable.event(this.#name);
    return this.#pending;
  }

  /** Everything that has come and was not taken, which stays to be taken. */
  gather(): readonly unknown[] {
    const payloads = this.#payloads.slice(this.#taken);
    for (let one = this.#arrived(); one !== undefined; one = this.#arrived()) payloads.push(one.payload);
    this.#payloads = payloads;
    this.#taken = 0;
    return payloads;
  }

  #arrived(): { readonly payload: unknown } | undefined {
    this.#pending ??= this.#durable.event(this.#name);
    if (!this.#pending.done) return undefined;
    const payload = this.#pending.value();
    this.#pending = undefined;
    return { payload };
  }
}
