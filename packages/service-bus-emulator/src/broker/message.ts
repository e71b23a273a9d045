import type { EncodableValue } from '../message/encode';

/** A message as a sender hands it in, taken apart as far as the broker decides by it. Times are milliseconds. */
export interface IncomingMessage {
  /**
   * The bare message and the footer, encoded: properties, application properties and body sections, untouched. The
   * broker copies it, so it may be a view of a larger buffer that is used again.
   */
  readonly content: Buffer;
  /** As text whatever its type in AMQP; by it duplicates are detected. */
  readonly messageId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly partitionKey?: string | undefined;
  readonly timeToLiveMs?: number | undefined;
  /** Not to be delivered before: milliseconds since the Unix epoch. */
  readonly scheduledAt?: number | undefined;
  readonly priority?: number | undefined;
  readonly durable?: boolean | undefined;
  /** The map of message annotations that the broker has no field for, encoded; handed out as it came. */
  readonly annotations?: Buffer | undefined;
}

/** As Azure shows it. A locked message is active. */
export type MessageState = 'active' | 'deferred' | 'scheduled';

/** A message that the broker keeps. It changes as it is delivered and settled: read it at once, or copy what is needed. */
export interface StoredMessage {
  /** Unique within its queue, topic, subscription or dead-letter queue, from 1, in order of arrival. */
  readonly sequenceNumber: number;
  /** The sequence number that the message got where it was sent first. */
  readonly enqueuedSequenceNumber: number;
  readonly state: MessageState;
  readonly content: Buffer;
  readonly messageId: string | undefined;
  readonly sessionId: string | undefined;
  readonly partitionKey: string | undefined;
  /** The sender's, as long as the entity's default is not shorter. Undefined: it does not expire. */
  readonly timeToLiveMs: number | undefined;
  /** When a scheduled message is due (or was). */
  readonly scheduledAt: number | undefined;
  readonly enqueuedAt: number;
  /** Infinity: never. */
  readonly expiresAt: number;
  /** How often it was delivered before and came back: 0 at the first delivery, as AMQP's header has it. */
  readonly deliveryCount: number;
  /** Address of the entity that dead-lettered it, if it was forwarded from there. */
  readonly deadLetterSource: string | undefined;
  readonly priority: number | undefined;
  readonly durable: boolean | undefined;
  readonly annotations: Buffer | undefined;
  /** The token of the lock that is on it now. */
  readonly lockToken: string | undefined;
  /** When that lock ends; 0 without one. */
  readonly lockedUntil: number;
}

/** Application properties to set; undefined removes one. */
export type PropertyChanges = Readonly<Record<string, EncodableValue | undefined>>;

/**
 * What a receiver decides about a message that it holds.
 *
 * - `complete`   it is done: the message is removed
 * - `abandon`    it goes back to its place and the delivery counts
 * - `release`    it goes back to its place as if it had not been delivered (AMQP's `released`)
 * - `defer`      it is set aside, to be received by its sequence number
 * - `deadLetter` it goes to the dead letters, with a reason
 */
export type Outcome =
  | { readonly kind: 'complete' }
  | { readonly kind: 'release' }
  | { readonly kind: 'abandon'; readonly properties?: PropertyChanges | undefined }
  | { readonly kind: 'defer'; readonly properties?: PropertyChanges | undefined }
  | {
      readonly kind: 'deadLetter';
      readonly reason?: string | undefined;
      readonly description?: string | undefined;
      readonly properties?: PropertyChanges | undefined;
    };
