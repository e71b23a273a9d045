import type { BrokerError } from './errors';
import type { StoredMessage } from './message';

/** With `peekLock` a message is locked until it is settled; with `receiveAndDelete` it is gone once it is delivered. */
export type ReceiveMode = 'peekLock' | 'receiveAndDelete';

/** A message on its way to a receiver. */
export interface Delivery {
  readonly message: StoredMessage;
  /** A UUID in its usual notation; undefined when the message is gone from the broker already. */
  readonly lockToken: string | undefined;
  /** Milliseconds since the Unix epoch; of a session message, the session's. 0 without a lock. */
  readonly lockedUntil: number;
}

export interface ReceiverOptions {
  readonly mode: ReceiveMode;
  /**
   * Called for each message, never for more than the receiver has credit for, and always before the call that caused it
   * (addCredit, send, settle, the clock) returns, unless that call was made from within an onDelivery: then once that
   * has returned. It may call the broker.
   */
  readonly onDelivery: (delivery: Delivery) => void;
  /**
   * Called once when the broker closes the receiver: its entity was deleted or disabled, or its session's lock was lost.
   * Not called after close().
   */
  readonly onClosed: (reason: BrokerError) => void;
}

/**
 * Who receives from a queue, a subscription, a dead-letter queue, or one session. Messages go round the receivers that
 * have credit. What it holds stays locked when it is closed, until the locks end; a session is free again at once, and
 * with it its messages.
 */
export interface Receiver {
  readonly address: string;
  readonly session: ReceiverSession | undefined;
  /** How many messages more it takes. What is left when addCredit returns has nothing to be spent on now. */
  readonly credit: number;
  readonly closed: boolean;
  addCredit(count: number): void;
  /** Sets the credit, e.g. to 0 when a link was drained. */
  setCredit(count: number): void;
  close(): void;
}

export interface ReceiverSession {
  readonly id: string;
  /** Milliseconds since the Unix epoch; it moves when the lock is renewed. */
  readonly lockedUntil: number;
}

export interface SessionOptions extends ReceiverOptions {
  /** The session's id; null: the next one that is free and has messages. */
  readonly session: string | null;
  /** For how long to wait for one, if `session` is null. Default: until cancelled. */
  readonly waitMs?: number | undefined;
  /** Called once with the receiver, which has no credit yet; perhaps before acceptSession returns. */
  readonly onAccepted: (receiver: Receiver) => void;
  /** Called once, instead: the wait was over, or the entity was deleted or disabled. */
  readonly onRefused: (reason: BrokerError) => void;
}

/** A receiver that waits for a session. */
export interface SessionRequest {
  /** Gives up waiting; neither callback is called any more. Too late, it does nothing: close the receiver then. */
  cancel(): void;
}
