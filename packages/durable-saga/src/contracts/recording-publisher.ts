import type { OutgoingMessage, Published, Publisher } from '../store/outbox';

/** A publisher that keeps what it was given, and answers as it is told to. */
export class RecordingPublisher implements Publisher {
  /** Ids by call. */
  readonly waves: string[][] = [];
  readonly messages: OutgoingMessage[] = [];
  readonly #answer: (message: OutgoingMessage) => Published;

  constructor(answer: (message: OutgoingMessage) => Published = () => ({ ok: true })) {
    this.#answer = answer;
  }

  async publish(messages: readonly OutgoingMessage[]): Promise<readonly Published[]> {
    this.waves.push(messages.map(({ id }) => id));
    this.messages.push(...messages);
    return messages.map(this.#answer);
  }

  get ids(): string[] {
    return this.messages.map(({ id }) => id);
  }

  /** Ids of an ordering key. */
  of(orderingKey: string): string[] {
    return this.messages.filter((message) => message.orderingKey === orderingKey).map(({ id }) => id);
  }
}
