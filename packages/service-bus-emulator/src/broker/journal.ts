/**
 * What a broker tells of its changes, so that another can be made that goes on where it stopped. Locks are not told: a
 * broker that begins anew has none, and its receivers have none either. Records of one call to `append` belong
 * together: all of them are on disk, or none (a batch; a message that leaves one place and enters another).
 *
 * `store` is where a message lies: `orders`, `orders/$DeadLetterQueue`, `orders/$Transfer/$DeadLetterQueue`,
 * `topic/Subscriptions/name` and so on (as first spelled), or `topic` for what is scheduled there.
 */
import type { QueueOptions, Rule, SubscriptionOptions, TopicOptions } from './entities';
import type { MessageState, StoredMessage } from './message';

export type JournalRecord =
  | EntityRecord
  | { readonly type: 'entityDeleted'; readonly path: string }
  | { readonly type: 'added'; readonly store: string; readonly message: JournalMessage }
  | { readonly type: 'removed'; readonly store: string; readonly sequenceNumber: number }
  /** Replaces what is kept of the message that has this sequence number; a content left out is as it was. */
  | {
      readonly type: 'changed';
      readonly store: string;
      readonly sequenceNumber: number;
      readonly state: MessageState;
      readonly deliveryCount: number;
      readonly content?: Buffer;
    }
  /** The number that the next message of a store gets; said only where no message tells it (compaction). */
  | { readonly type: 'sequence'; readonly store: string; readonly next: number }
  /** Undefined: no state any more. */
  | {
      readonly type: 'sessionState';
      readonly store: string;
      readonly session: string;
      readonly state: Buffer | undefined;
    }
  /** A message id that is remembered for duplicate detection: of a queue or topic, since when. */
  | { readonly type: 'remembered'; readonly path: string; readonly messageId: string; readonly at: number };

/** An entity was created or updated: all of it. Options may hold Infinity and undefined. */
export type EntityRecord = { readonly type: 'entity'; readonly path: string } & EntityTimes &
  (
    | { readonly kind: 'queue'; readonly options: QueueOptions }
    | { readonly kind: 'topic'; readonly options: TopicOptions }
    | { readonly kind: 'subscription'; readonly options: SubscriptionOptions; readonly rules: readonly Rule[] }
  );

export interface EntityTimes {
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** All that is kept of a message, but for its lock. The entity's name is the record's `store`. */
export interface JournalMessage extends Omit<StoredMessage, 'lockToken' | 'lockedUntil'> {
  /** How often it was forwarded. */
  readonly hops: number;
}

/** Where a broker's changes go. */
export interface Journal {
  /** All records of before, in order. Read once, when the broker is made. */
  replay(): Iterable<JournalRecord>;
  /**
   * Takes note, at once and in order; what it is given may change afterwards (messages are handed over as they are), so
   * it encodes before it returns. Together or not at all.
   */
  append(records: readonly JournalRecord[]): void;
  /** Settles when all that was appended so far is on disk; undefined when it is. Rejects when the disk fails. */
  durable(): Promise<void> | undefined;
}
