import type { MessageSender, OutgoingMessage } from '../../src/ports';

export interface SentMessage {
  readonly address: string;
  readonly message: OutgoingMessage;
}

/** Sends nowhere: keeps what was sent, copies included. */
export interface InMemorySender extends MessageSender {
  readonly sent: readonly SentMessage[];
  /** The next sends fail, before or after the message was taken. */
  failNext(when: 'before' | 'after', times?: number): void;
}

export function createInMemorySender(): InMemorySender {
  const sent: SentMessage[] = [];
  const failures: ('before' | 'after')[] = [];
  return {
    sent,
    failNext: (when, times = 1) => void failures.push(...Array.from({ length: times }, () => when)),
    async send(address, message) {
      const failure = failures.shift();
      if (failure !== 'before') sent.push({ address, message });
      if (failure !== undefined) throw new Error(`failed on purpose, ${failure} taking the message`);
    },
  };
}
