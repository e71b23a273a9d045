import type { QueueOptions, Rule, SubscriptionDeclaration, SubscriptionOptions, TopicOptions } from './entities';
import type { EntityTimes, JournalRecord } from './journal';
import type { IncomingMessage, Outcome, StoredMessage } from './message';
import type { Delivery, ReceiveMode, Receiver, ReceiverOptions, SessionOptions, SessionRequest } from './receiver';

/**
 * A namespace of Service Bus: queues, topics and subscriptions with their messages. Pure: it does no I/O and has no time
 * but its clock's. Every call is decided before it returns, and what it refuses it throws as a BrokerError; what
 * follows for others (a delivery, a receiver that is closed) comes by callback within the call.
 *
 * An address is a path without case: `queue`, `topic`, `topic/Subscriptions/name`, and of queues and subscriptions also
 * `.../$DeadLetterQueue` and `.../$Transfer/$DeadLetterQueue`. Times are milliseconds since the Unix epoch.
 */
export interface Broker extends Sending, Receiving, Sessions, Administration {
  /** Settles when all that was decided so far is on disk; undefined when it is, or nothing is kept. Rejects when it cannot be. */
  durable(): Promise<void> | undefined;
  /** All that it holds, but for locks: the records that make the same broker again. */
  snapshot(): Iterable<JournalRecord>;
  /** What a clock that may be moved has to know. */
  readonly activity: Activity;
}

export interface Activity {
  /** Messages that were delivered and are not settled. */
  readonly locked: number;
  /** Messages that wait where a receiver is open (or waits for a session): they are delivered as soon as one takes more. */
  readonly deliverable: number;
  /** When something happens by itself next (a lock ends, a message expires or is due). Undefined: never. */
  readonly nextDue: number | undefined;
  /**
   * Called whenever the messages of an entity may have become more or fewer: sent, due, settled, let go. Returns how to
   * stop it. It must not call the broker back.
   */
  onChange(listener: () => void): () => void;
}

interface Sending {
  /**
   * Takes messages for a queue or topic: all of them, or none. A message whose `scheduledAt` is still to come waits
   * until then. Returns their sequence numbers, 0 for one that was dropped as a duplicate (or, of a topic, is not kept).
   */
  send(address: string, messages: readonly IncomingMessage[]): readonly number[];
  /** As send, for messages that all have a `scheduledAt`; the numbers cancel them. */
  schedule(address: string, messages: readonly IncomingMessage[]): readonly number[];
  /** Removes scheduled messages: all of them, or none (messageNotFound). */
  cancelScheduled(address: string, sequenceNumbers: readonly number[]): void;
  /** Whether messages may be sent to an address; throws what a send would. For a sender's link that attaches. */
  checkSend(address: string): void;
}

interface Receiving {
  /** Opens a receiver of an entity without sessions; nothing is delivered before it has credit. */
  openReceiver(address: string, options: ReceiverOptions): Receiver;
  /** Opens a receiver of one session. Throws sessionCannotBeLocked when a named one is taken. */
  acceptSession(address: string, options: SessionOptions): SessionRequest;
  /** Whether an entity is received from by sessions. */
  requiresSession(address: string): boolean;
  /** Settles a message that is locked. Throws messageLockLost, or sessionLockLost. */
  settle(address: string, lockToken: string, outcome: Outcome): void;
  /** Locks messages for another lock duration, all of them or none. Returns when each lock ends now. */
  renewLocks(address: string, lockTokens: readonly string[]): readonly number[];
  /**
   * Messages from a sequence number on, whatever their state, locked or not, in order; nothing happens to them.
   * `session` leaves those of one session only.
   */
  peek(address: string, from: number, count: number, session?: string): readonly StoredMessage[];
  /** Receives deferred messages, all of them or none (messageNotFound). `session`: which one the caller holds. */
  receiveDeferred(
    address: string,
    sequenceNumbers: readonly number[],
    mode: ReceiveMode,
    session?: string,
  ): readonly Delivery[];
  /**
   * Removes the oldest messages that were enqueued before a time and are not locked, nor scheduled for later. `session` leaves
   * the others alone, and must be held by the caller. Returns how many there were.
   */
  deleteMessages(address: string, which: DeletedMessages): number;
}

export interface DeletedMessages {
  /** At most so many. */
  readonly count: number;
  /** Milliseconds since the Unix epoch. */
  readonly enqueuedBefore: number;
  readonly session?: string | undefined;
}

/** Of entities with sessions. But for `listSessions` they throw sessionLockLost when the session is not locked. */
interface Sessions {
  /** Returns when the lock ends now. */
  renewSessionLock(address: string, session: string): number;
  getSessionState(address: string, session: string): Buffer | undefined;
  /** Undefined: no state any more. */
  setSessionState(address: string, session: string, state: Buffer | undefined): void;
  /** Ids in order: of sessions that have messages, or, with `updatedSince`, whose state was set since then. */
  listSessions(address: string, page: { skip: number; top: number; updatedSince?: number }): readonly string[];
}

/**
 * Entities and rules. Names are compared without case and kept as given. `create...` throws entityExists, `update...`
 * (which takes all options, or only some) and `delete...` throw entityNotFound; what cannot be is invalidArgument (a
 * name, a rule) or invalidOperation (an option that is fixed at creation: sessions, duplicate detection, partitions).
 */
export interface Administration {
  readonly queues: readonly QueueView[];
  readonly topics: readonly TopicView[];
  /** Throws entityNotFound for an unknown topic. */
  subscriptions(topic: string): readonly SubscriptionView[];
  getQueue(name: string): QueueView | undefined;
  getTopic(name: string): TopicView | undefined;
  getSubscription(topic: string, name: string): SubscriptionView | undefined;
  createQueue(name: string, options?: Partial<QueueOptions>): QueueView;
  createTopic(name: string, options?: Partial<TopicOptions>): TopicView;
  createSubscription(topic: string, subscription: SubscriptionDeclaration): SubscriptionView;
  updateQueue(name: string, options: Partial<QueueOptions>): QueueView;
  updateTopic(name: string, options: Partial<TopicOptions>): TopicView;
  updateSubscription(topic: string, name: string, options: Partial<SubscriptionOptions>): SubscriptionView;
  deleteQueue(name: string): void;
  /** With its subscriptions. */
  deleteTopic(name: string): void;
  deleteSubscription(topic: string, name: string): void;
  /** Rules of one subscription: throw entityExists, entityNotFound, invalidArgument. */
  createRule(topic: string, subscription: string, rule: Rule): void;
  updateRule(topic: string, subscription: string, rule: Rule): void;
  deleteRule(topic: string, subscription: string, rule: string): void;
  /** Removes all messages of a queue, a subscription or a dead-letter queue that are not locked; returns how many. */
  purge(address: string): number;
}

interface EntityView extends EntityTimes {
  readonly name: string;
  /** When it was last sent to or received from. */
  readonly accessedAt: number;
  /** Of the messages' contents, dead letters included. */
  readonly sizeInBytes: number;
}

/** Each number is of messages that are there now; `total` is all of them. */
export interface MessageCounts {
  readonly total: number;
  /** Waiting or locked. */
  readonly active: number;
  readonly deferred: number;
  readonly scheduled: number;
  readonly deadLetter: number;
  readonly transfer: number;
  readonly transferDeadLetter: number;
}

export interface QueueView extends EntityView {
  readonly options: QueueOptions;
  readonly counts: MessageCounts;
}

export interface TopicView extends EntityView {
  readonly options: TopicOptions;
  readonly subscriptionCount: number;
  /** Messages that are scheduled on the topic. */
  readonly scheduled: number;
}

export interface SubscriptionView extends EntityView {
  readonly topic: string;
  readonly options: SubscriptionOptions;
  readonly counts: MessageCounts;
  readonly rules: readonly (Rule & { readonly createdAt: number })[];
}

/** Left out is unlimited, but for `maxMessageBytes`. */
export interface BrokerQuotas {
  /** Of one message's content, and of a batch as a whole. Default 262,144, as Azure's standard tier has it. */
  readonly maxMessageBytes?: number;
  /** Of a batch as a whole, if that is more than one message may have. */
  readonly maxBatchBytes?: number;
  /** Queues and topics. */
  readonly maxEntities?: number;
  /** Content in one queue, subscription or topic. */
  readonly maxQueueBytes?: number;
}
