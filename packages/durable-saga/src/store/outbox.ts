import type { RetryPolicy } from '../definition/retry';

/*
 * The port of a transactional outbox: messages are written in the transaction of the effect that they tell of, and a
 * relay publishes them after. So a message goes out if, and only if, its effect was committed.
 *
 * - At least once: a message counts as sent when the publisher has said so and that was committed. If the relay dies in
 *   between, the message goes out again, with the same id, by which a broker's duplicate detection knows it.
 * - In order: messages with one ordering key go out in the order in which their transactions committed, one at a time,
 *   whatever the number of relays. The next one waits while one is tried again; other keys go on meanwhile. When a
 *   message is given up (it is dead), those behind it go on: an operator may send it again or drop it.
 * - Nothing is lost silently: what is given up stays, with the reason.
 *
 * `durable-saga/contracts` checks all of this for any store.
 */

/** A message to be sent. */
export interface OutboxMessage {
  /** Its identity, by which it is put and sent once; a step's key is a good one, with a suffix if it sends several. */
  readonly id: string;
  /** Where it goes to; the publisher knows what that is. */
  readonly topic: string;
  /** JSON. */
  readonly payload: unknown;
  /** Messages with the same one are sent in order. */
  readonly orderingKey?: string;
  /** What travels beside the payload, e.g. a trace's context. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message as the publisher gets it. */
export interface OutgoingMessage {
  readonly id: string;
  readonly topic: string;
  readonly payload: unknown;
  readonly orderingKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly putAt: Date;
  /** Number of this attempt, from 1. One whose end could not be noted is not counted. */
  readonly attempt: number;
}

/** What came of publishing one message. */
export type Published =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: string;
      /** Trying again can't help (too large, no such topic): the message is given up at once. */
      readonly refused?: boolean;
    };

/** Brings messages to a broker. */
export interface Publisher {
  /**
   * Gives one result a message, in their order, when the broker has acknowledged or refused them; no two of them have
   * the same ordering key. Whatever it throws counts as the failure of all. It ends in bounded time: the relay's
   * transaction is open meanwhile.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly Published[]>;
}

/** A message that was given up. */
export interface DeadMessage extends OutboxMessage {
  readonly putAt: Date;
  /** Attempts made. */
  readonly attempts: number;
  /** `refused` by the publisher, or the attempts (or the time) of the retry policy were `exhausted`. */
  readonly reason: 'refused' | 'exhausted';
  /** What the publisher said last. */
  readonly error: string;
}

/** What one round of a relay did with the messages that it took; those it did not get to are left as they were. */
export interface RelayRound {
  readonly taken: number;
  readonly sent: number;
  /** To be tried again later. */
  readonly failed: number;
  readonly dead: number;
}

export interface RelayOptions {
  /** How many messages to take at most. Default: 100. */
  readonly limit?: number;
  /** Milliseconds after which no further ones are published in this round. Default: 10,000. */
  readonly within?: number;
}

export interface OutboxOptions {
  /** Where all times come from. */
  readonly clock: () => Date;
  /**
   * How a message is tried again. Default: 100 attempts with at most five minutes between, about eight hours. Its
   * `deadline` counts from when the message was put.
   */
  readonly retry?: RetryPolicy;
}

/** `Tx` is a transaction of the store, begun and ended by the caller. */
export interface Outbox<Tx> {
  /**
   * Notes a message, to be sent when the transaction has been committed. Gives false, and changes nothing, when there
   * was one with this id. One with an ordering key waits until other transactions that put one with the same key have
   * ended: that gives them their order. Throws a `RangeError` or `TypeError` for what can't be kept.
   */
  put(tx: Tx, message: OutboxMessage): Promise<boolean>;
  /**
   * One round: takes messages that are due, the oldest first, passing over what other relays have, publishes them, and
   * notes what came of it. The messages are the caller's until the transaction ends; commit it in any case but an error.
   */
  relay(tx: Tx, publisher: Publisher, options?: RelayOptions): Promise<RelayRound>;
  /** Messages that were given up, the oldest first. */
  listDead(tx: Tx, limit: number): Promise<readonly DeadMessage[]>;
  /** Has a message that was given up sent again, with all its attempts before it. False when there is none such. */
  retryDead(tx: Tx, id: string): Promise<boolean>;
  /** Forgets a message that was given up. False when there is none such. */
  dropDead(tx: Tx, id: string): Promise<boolean>;
  /**
   * Deletes at most `limit` messages that were sent before `before`, and gives their number. Keep them for as long as
   * a step may be tried again: with the message gone, putting it again would send it again.
   */
  expire(tx: Tx, before: Date, limit: number): Promise<number>;
}

export interface DrainOptions<Tx> extends RelayOptions {
  readonly outbox: Outbox<Tx>;
  readonly publisher: Publisher;
  /** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
  readonly transaction: (work: (tx: Tx) => Promise<RelayRound>) => Promise<RelayRound>;
  /** Ends it after the round that is under way. */
  readonly signal?: AbortSignal;
}

/** Relays round after round until nothing is due any more; gives the sum. What a timer's function calls. */
export async function drainOutbox<Tx>(options: DrainOptions<Tx>): Promise<RelayRound> {
  const { outbox, publisher, transaction, signal, ...rest } = options;
  let sum: RelayRound = { taken: 0, sent: 0, failed: 0, dead: 0 };
  while (!signal?.aborted) {
    const round = await transaction((tx) => outbox.relay(tx, publisher, rest));
    if (round.taken === 0) break;
    sum = {
      taken: sum.taken + round.taken,
      sent: sum.sent + round.sent,
      failed: sum.failed + round.failed,
      dead: sum.dead + round.dead,
    };
  }
  return sum;
}
