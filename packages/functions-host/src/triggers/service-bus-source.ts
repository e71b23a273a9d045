import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { ApplicationProperties, DeadLetterReason } from './service-bus-received';

/** What a trigger needs of an entity: messages as they come, each locked until it is settled or its lock runs out. */
export interface MessageSource {
  /** Lets messages come until it is closed. Losing the broker ends nothing: it is connected anew. One at a time. */
  receive(options: ReceiveOptions): Receiving;
  /** These reject with `LockLostError` when nothing can be settled any more, with other errors when it may go better later. */
  complete(message: ServiceBusReceivedMessage): Promise<void>;
  abandon(message: ServiceBusReceivedMessage, properties?: ApplicationProperties): Promise<void>;
  defer(message: ServiceBusReceivedMessage, properties?: ApplicationProperties): Promise<void>;
  deadLetter(
    message: ServiceBusReceivedMessage,
    why?: DeadLetterReason,
    properties?: ApplicationProperties,
  ): Promise<void>;
  /** @returns when the lock will be over. */
  renewLock(message: ServiceBusReceivedMessage): Promise<Date>;
}

export interface ReceiveOptions {
  /** How many messages may have come that `onMessage` has not resolved for. */
  readonly most: number;
  /** Never rejects. */
  readonly onMessage: (message: ServiceBusReceivedMessage) => Promise<void>;
  /** Messages can come now: at first, and after each interruption. */
  readonly onOpen: () => void;
  /** They can't come, and it is tried again; for a session `LockLostError` says that they won't. */
  readonly onError: (error: Error) => void;
}

export interface Receiving {
  /** Resolves when no more message comes. Those that came can still be settled, and don't count towards what comes later. */
  close(): Promise<void>;
}

/** An entity with sessions. */
export interface SessionSource {
  /**
   * Waits for a session that has messages and belongs to nobody.
   * @returns undefined if there was none for a while. Rejects when the broker is away, or the signal aborts.
   */
  accept(signal: AbortSignal): Promise<AcceptedSession | undefined>;
}

/** A session that is this host's while its lock is renewed. Its messages are locked with it, not by themselves. */
export interface AcceptedSession extends MessageSource {
  readonly sessionId: string;
  readonly lockedUntil: Date;
  getState(): Promise<Buffer | undefined>;
  setState(state: Buffer): Promise<void>;
  /** @returns when the session's lock will be over. */
  renewSessionLock(): Promise<Date>;
  /** Gives the session back. */
  close(): Promise<void>;
}

/** A message or its session is not this host's any more: it will be, or was, delivered again. */
export class LockLostError extends Error {
  override readonly name = 'LockLostError';
}

/** Sends to one queue or topic. Rejects if the broker does not take all of the messages. */
export interface MessageTarget {
  send(messages: readonly OutgoingMessage[]): Promise<void>;
}

export interface OutgoingMessage {
  readonly body: Buffer;
  readonly contentType: string;
}
