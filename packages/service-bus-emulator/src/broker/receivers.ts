import type { BrokerError } from './errors';
import { Fifo } from './fifo';
import type { KeptMessage } from './kept-message';
import type { OpenReceiver } from './open-receiver';

/** The receivers that compete for one line of messages: whoever has credit gets one in turn. */
export class Receivers {
  readonly #open = new Set<OpenReceiver>();
  /** Those with credit, in the order of their turns. */
  readonly #turns = new Fifo<OpenReceiver>();

  get size(): number {
    return this.#open.size;
  }

  add(receiver: OpenReceiver): void {
    this.#open.add(receiver);
  }

  remove(receiver: OpenReceiver): void {
    this.#open.delete(receiver);
  }

  closeAll(reason: BrokerError): void {
    for (const receiver of this.#open) receiver.closeBecause(reason);
    this.#open.clear();
  }

  /** It has credit now. */
  wants(receiver: OpenReceiver): void {
    if (receiver.inTurn) return;
    if (this.#turns.length > 2 * this.#open.size + 16) this.#turns.filter(({ closed }) => !closed);
    receiver.inTurn = true;
    this.#turns.push(receiver);
  }

  /** Hands out what there is, as long as somebody wants it. */
  deliver(to: { hand(receiver: OpenReceiver, message: KeptMessage): void }, take: () => KeptMessage | undefined): void {
    for (let receiver = this.#next; receiver !== undefined; receiver = this.#next) {
      const message = take();
      if (message === undefined) return;
      this.#turns.shift();
      receiver.inTurn = false;
      if (receiver.credit > 1) this.wants(receiver);
      to.hand(receiver, message);
    }
  }

  /** Whose turn it is. */
  get #next(): OpenReceiver | undefined {
    for (let receiver = this.#turns.peek(); receiver !== undefined; receiver = this.#turns.peek()) {
      if (receiver.credit > 0) return receiver;
      this.#turns.shift();
      receiver.inTurn = false;
    }
    return undefined;
  }
}
