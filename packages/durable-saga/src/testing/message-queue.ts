import type { HistoryEvent } from './history';

/** Something on its way to an instance. */
export interface Message {
  readonly at: number;
  readonly instanceId: string;
  readonly execution: number;
  /** In a turn of its own, before whatever else is due. */
  readonly isAlone: boolean;
  /** Makes the history event when its time has come; undefined if nothing comes of it. */
  readonly arrive: () => HistoryEvent | undefined | Promise<HistoryEvent | undefined>;
}

/** Messages in the order of their times; those of one time in the order in which they were sent. */
export class MessageQueue {
  readonly #messages: Message[] = [];

  get next(): Message | undefined {
    return this.#messages[0];
  }

  nextFor(instanceId: string): number | undefined {
    return this.#messages.find((message) => message.instanceId === instanceId)?.at;
  }

  send(message: Message): void {
    const messages = this.#messages;
    let at = messages.length;
    while (at > 0 && goesBefore(message, messages[at - 1])) at -= 1;
    messages.splice(at, 0, message);
  }

  /** Takes what one instance gets in its next turn: all that is due for it by now. */
  take(instanceId: string, execution: number, now: number): Message[] {
    const taken: Message[] = [];
    const messages = this.#messages;
    let kept = 0;
    let isFull = false;
    // What is kept moves up behind the place that is read.
    for (const message of messages) {
      const isMeant =
        !isFull && message.at <= now && message.instanceId === instanceId && message.execution === execution;
      if (isMeant && !(message.isAlone && taken.length > 0)) {
        taken.push(message);
        isFull = message.isAlone;
      } else {
        messages[kept] = message;
        kept += 1;
      }
    }
    messages.length = kept;
    return taken;
  }
}

function goesBefore(message: Message, other: Message | undefined): boolean {
  if (other === undefined || message.at > other.at) return false;
  return message.at < other.at || (message.isAlone && !other.isAlone);
}
