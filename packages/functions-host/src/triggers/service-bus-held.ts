/*
 * A message that a function has, from its coming until it is written down what became of it.
 *
 * The lock is renewed shortly before it would run out, for as long as the function runs, up to the set time. The function
 * may settle the message itself; what it leaves the trigger does afterwards: complete, or abandon what failed. A broker
 * that is away is tried until the lock has run out, for until then the message is nobody else's; afterwards it comes again,
 * and that is said.
 */
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Clock, Scheduled } from '../clock';
import type { HostLog } from '../log';
import { messageOf } from '../supervisor/failures';
import type { ApplicationProperties, DeadLetterReason, HeldMessage } from './service-bus-received';
import { LockLostError, type MessageSource } from './service-bus-source';

export interface HeldOptions {
  readonly source: Omit<MessageSource, 'receive'>;
  /** For log lines: what listens, e.g. "Service Bus trigger of 'onOrder' on queue 'orders'". */
  readonly title: string;
  readonly category: string;
  /** Milliseconds; 0 for a lock that is not the message's own, and for batches. */
  readonly maxLockRenewalMs: number;
  readonly clock: Clock;
  /** For pauses between two tries: real time, whatever `clock` is. */
  readonly pauses: Clock;
  readonly log: HostLog;
}

const shortestRenewalMs = 1000;
const renewalBufferMs = 10_000;
const firstBackOffMs = 500;
const longestBackOffMs = 5000;

type Settlement = 'complete' | 'abandon' | 'defer' | 'deadLetter';

/** One message in a function's hands. */
export class Held implements HeldMessage {
  readonly message: ServiceBusReceivedMessage;
  readonly #options: HeldOptions;
  readonly #startedAt: number;
  #lockedUntil: number;
  #settling: Promise<void> | undefined;
  #renewal: Scheduled | undefined;
  #hasEnded = false;

  constructor(message: ServiceBusReceivedMessage, options: HeldOptions) {
    this.message = message;
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#lockedUntil = message.lockedUntilUtc?.getTime() ?? this.#startedAt;
  }

  get sessionId(): string | undefined {
    return this.message.sessionId;
  }

  get isSettled(): boolean {
    return this.#settling !== undefined;
  }

  complete(): Promise<void> {
    return this.#settle('complete', ({ source }) => source.complete(this.message));
  }

  abandon(properties?: ApplicationProperties): Promise<void> {
    return this.#settle('abandon', ({ source }) => source.abandon(this.message, properties));
  }

  defer(properties?: ApplicationProperties): Promise<void> {
    return this.#settle('defer', ({ source }) => source.defer(this.message, properties));
  }

  deadLetter(why?: DeadLetterReason, properties?: ApplicationProperties): Promise<void> {
    return this.#settle('deadLetter', ({ source }) => source.deadLetter(this.message, why, properties));
  }

  async renewLock(): Promise<Date> {
    const until = await this.#options.source.renewLock(this.message);
    this.#lockedUntil = until.getTime();
    return until;
  }

  /** True once the lock has run out by this host's clock. */
  get isOver(): boolean {
    return this.#lockedUntil <= this.#options.clock.now();
  }

  /** Renews the lock from now on, until `finish`. */
  keepLocked(): void {
    const { maxLockRenewalMs } = this.#options;
    if (maxLockRenewalMs > 0 && this.message.lockedUntilUtc !== undefined) this.#renewLater(shortestRenewalMs);
  }

  /**
   * The function has ended, or is not waited for any longer: does what is left to do with the message.
   * @param settlement undefined if nothing is to be done with a message that the function has left.
   * @param signal stops trying.
   */
  async finish(settlement: 'complete' | 'abandon' | undefined, signal: AbortSignal): Promise<void> {
    this.#hasEnded = true;
    this.#renewal?.cancel();
    // A settlement that the function did not wait for.
    await this.#settling?.catch(() => undefined);
    if (this.isSettled || settlement === undefined) return;
    for (let failures = 0; ; failures++) {
      try {
        await this[settlement]();
        return;
      } catch (error) {
        if (this.#isFinal(settlement, error, signal)) return;
        if (failures === 0) this.#warn(`could not ${settlement} ${this.#name()} yet: ${messageOf(error)}`);
        await this.#pause(Math.min(firstBackOffMs * 2 ** failures, longestBackOffMs), signal);
      }
    }
  }

  /** A settlement that is under way or done stands; one that failed is as if it had not been. */
  async #settle(settlement: Settlement, run: (options: HeldOptions) => Promise<void>): Promise<void> {
    if (this.#settling !== undefined) {
      throw new LockLostError(`${this.#name()} is settled already: it can't be settled again (${settlement}).`);
    }
    this.#settling = run(this.#options);
    try {
      await this.#settling;
    } catch (error) {
      this.#settling = undefined;
      throw error;
    }
  }

  #isFinal(settlement: Settlement, error: unknown, signal: AbortSignal): boolean {
    const isLost = error instanceof LockLostError;
    if (!isLost && !signal.aborted && !this.isOver) return false;
    if (settlement === 'complete') {
      this.#warn(
        `has handled ${this.#name()}, but it comes again: ${isLost ? 'its lock was lost' : messageOf(error)}.`,
      );
    }
    return true;
  }

  #renewLater(leastMs: number): void {
    const { clock, maxLockRenewalMs } = this.#options;
    const now = clock.now();
    const left = this.#lockedUntil - now;
    const wait = Math.max(left - Math.min(left / 2, renewalBufferMs), leastMs);
    if (now + wait > this.#startedAt + maxLockRenewalMs) return;
    this.#renewal = clock.schedule(now + wait, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    try {
      await this.renewLock();
      if (!this.#hasEnded) this.#renewLater(shortestRenewalMs);
    } catch (error) {
      if (this.#hasEnded) return;
      if (error instanceof LockLostError) {
        this.#warn(`has lost the lock of ${this.#name()} while its function runs: it comes again.`);
      } else if (!this.isOver) {
        this.#renewLater(shortestRenewalMs);
      }
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { pauses } = this.#options;
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = pauses.schedule(pauses.now() + ms, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }

  #name(): string {
    return `message '${String(this.message.messageId)}'`;
  }

  #warn(what: string): void {
    const { log, category, title } = this.#options;
    log.log('Warning', category, `The ${title} ${what}`);
  }
}
