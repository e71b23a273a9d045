import type { BrokerContext } from './context';
import { Deadlines, type Due } from './deadlines';
import type { KeptMessage } from './kept-message';
import { MessageLog } from './message-log';
import type { MessageState } from './message';

/** Where messages lie: numbers them, counts them, tells the journal, and knows what is due. */
export class MessageStore {
  readonly address: string;
  readonly log = new MessageLog();
  readonly counts: Record<MessageState, number> = { active: 0, deferred: 0, scheduled: 0 };
  bytes = 0;
  /** The number of the next message. */
  next = 1;
  readonly deadlines = new Deadlines<Due>();
  readonly #context: BrokerContext;

  constructor(address: string, context: BrokerContext) {
    this.address = address;
    this.#context = context;
  }

  /** Puts a message that is nowhere into the store, behind all others. */
  enter(message: KeptMessage, state: MessageState): void {
    message.sequenceNumber = this.next;
    if (message.enqueuedSequenceNumber === 0) message.enqueuedSequenceNumber = this.next;
    message.state = state;
    this.restore(message);
    if (this.#context.turn.recording) {
      this.#context.turn.record({ type: 'added', store: this.address, message });
    }
  }

  /** As enter, with the number and the state that the message has already. */
  restore(message: KeptMessage): void {
    message.here = true;
    this.next = message.sequenceNumber + 1;
    this.log.append(message);
    this.counts[message.state]++;
    this.bytes += message.content.length;
  }

  leave(message: KeptMessage): void {
    message.here = false;
    this.log.remove(message.sequenceNumber);
    this.counts[message.state]--;
    this.bytes -= message.content.length;
    if (this.#context.turn.recording) {
      this.#context.turn.record({
        type: 'removed',
        store: this.address,
        sequenceNumber: message.sequenceNumber,
      });
    }
  }

  /** Sets what may change of a message that stays. */
  change(message: KeptMessage, state: MessageState, deliveryCount: number, content = message.content): void {
    const isNew = content !== message.content;
    this.counts[message.state]--;
    this.counts[state]++;
    this.bytes += content.length - message.content.length;
    message.state = state;
    message.deliveryCount = deliveryCount;
    message.content = content;
    if (!this.#context.turn.recording) return;
    const { sequenceNumber } = message;
    this.#context.turn.record({
      type: 'changed',
      store: this.address,
      sequenceNumber,
      state,
      deliveryCount,
      ...(isNew && { content }),
    });
  }

  /** The number of a message that only passes through. */
  pass(): number {
    const number = this.next++;
    this.#context.turn.record({ type: 'sequence', store: this.address, next: this.next });
    return number;
  }

  /** Messages from a number on, in any state; `session` leaves those of one session only. */
  peek(from: number, count: number, session: string | undefined): KeptMessage[] {
    const found: KeptMessage[] = [];
    if (count <= 0) return found;
    for (const message of this.log.from(from)) {
      if (session !== undefined && message.sessionId !== session) continue;
      found.push(message);
      if (found.length === count) break;
    }
    return found;
  }

  /** To be called when the `due` of something has changed. */
  watch(item: Due): void {
    this.deadlines.add(item);
    if (item.due !== Infinity) this.#context.wakeAt(item.due);
  }
}
