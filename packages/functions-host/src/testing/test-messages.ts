import type { EmulatorOptions } from 'service-bus-emulator';
import type { Duration } from './duration';

/** What an emulator's entities are read from: a Config.json, or the entities themselves. */
export type EntitiesSource = NonNullable<EmulatorOptions['config']>;

/**
 * The messages of a test's Service Bus, as the test sees and sends them. An address is that of Azure: `queue`, `topic`,
 * `topic/Subscriptions/subscription`, or one of the latter two's and a queue's `.../$DeadLetterQueue`.
 *
 * Everything throws when the app has no Service Bus in the test: its settings name no emulator, or nothing names its entities.
 */
export interface TestMessages {
  /**
   * Sends a message to a queue or topic.
   * @param body a text or bytes as they are; anything else goes as JSON.
   * @returns its sequence number: 0 for a duplicate that was dropped.
   */
  send(address: string, body: unknown, options?: SendMessageOptions): Promise<number>;
  /** The message that would be received next, or is received already; undefined if there is none. */
  peek(address: string): Promise<TestBusMessage | undefined>;
  /** All messages there in the order of their sequence numbers, those too that are locked, deferred or scheduled. */
  list(address: string): Promise<readonly TestBusMessage[]>;
  /** The dead letters of a queue or subscription. */
  deadLetters(address: string): Promise<readonly TestBusMessage[]>;
  /** How many messages a queue or subscription has. */
  counts(address: string): Promise<TestMessageCounts>;
  /** Removes the messages that are not locked. @returns how many these were. */
  clear(address: string): Promise<number>;
}

export interface SendMessageOptions {
  /** By default one that nobody else has. */
  readonly messageId?: string;
  readonly sessionId?: string;
  readonly correlationId?: string;
  readonly subject?: string;
  /** By default `application/json` for what goes as JSON, and none for texts and bytes. */
  readonly contentType?: string;
  readonly to?: string;
  readonly replyTo?: string;
  readonly replyToSessionId?: string;
  readonly partitionKey?: string;
  readonly applicationProperties?: Readonly<Record<string, string | number | boolean | Date | null>>;
  /** How long it waits before it can be received, e.g. '24 hours': it is scheduled. */
  readonly deliverIn?: Duration;
  /** How long it is kept, e.g. '7 days'. By default as long as its entity keeps messages. */
  readonly timeToLive?: Duration;
}

/** One message. */
export interface TestBusMessage {
  readonly messageId: string | undefined;
  readonly sequenceNumber: number;
  /** Bytes as they were sent; of a body that is a value of AMQP instead, that value as JSON. */
  readonly bytes: Buffer;
  readonly text: string;
  /** Undefined if the text is no JSON. */
  readonly json: unknown;
  readonly sessionId: string | undefined;
  readonly correlationId: string | undefined;
  readonly subject: string | undefined;
  readonly contentType: string | undefined;
  readonly to: string | undefined;
  readonly replyTo: string | undefined;
  readonly applicationProperties: Readonly<Record<string, unknown>>;
  readonly state: 'active' | 'deferred' | 'scheduled';
  readonly isLocked: boolean;
  /** How often it was delivered and came back. */
  readonly deliveryCount: number;
  readonly enqueuedAt: Date;
  /** When it can be received, of one that is scheduled. */
  readonly scheduledAt: Date | undefined;
  /** Undefined if it does not expire. */
  readonly expiresAt: Date | undefined;
  /** Of dead letters. */
  readonly deadLetterReason: string | undefined;
  readonly deadLetterErrorDescription: string | undefined;
}

/** Each of messages that are there now. */
export interface TestMessageCounts {
  /** Waiting or locked. */
  readonly active: number;
  readonly deferred: number;
  readonly scheduled: number;
  readonly deadLetters: number;
}
