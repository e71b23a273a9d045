import { MessageFormatError } from '../message/decode';
import { changeProperties } from '../message/properties';
import type { MessageCounts } from './broker';
import type { BrokerContext } from './context';
import type { QueueOptions, SubscriptionOptions } from './entities';
import { BrokerError } from './errors';
import type { Forward } from './forwarding';
import { KeptMessage } from './kept-message';
import { MessageQueue } from './message-queue';
import type { DeadLetterReason, QueueEnds } from './queue-ends';

/** Below its entity's path, where its dead letters lie. */
export const DEAD_LETTERS = '/$DeadLetterQueue';
/** And those that could not be forwarded. */
export const TRANSFER_DEAD_LETTERS = '/$Transfer/$DeadLetterQueue';

const NO_SESSION: DeadLetterReason = {
  reason: 'Session id is null.',
  description: "Session enabled entity doesn't allow a message whose session identifier is null.",
};

/** What can be received from, with its dead letters: a queue, or a subscription. */
export class ReceivingEntity<Options extends QueueOptions | SubscriptionOptions> {
  readonly path: string;
  options: Options;
  createdAt: number;
  updatedAt: number;
  accessedAt: number;
  readonly main: MessageQueue;
  readonly deadLetters: MessageQueue;
  readonly transferDeadLetters: MessageQueue;
  readonly #context: BrokerContext;
  readonly #forward: Forward;

  constructor(path: string, options: Options, context: BrokerContext, forward: Forward) {
    this.path = path;
    this.options = options;
    this.#context = context;
    this.#forward = forward;
    this.createdAt = this.updatedAt = this.accessedAt = context.clock.now();
    this.main = new MessageQueue(path, context, this.#ends());
    this.deadLetters = new MessageQueue(path + DEAD_LETTERS, context, this.#endsOfTheDead());
    this.transferDeadLetters = new MessageQueue(path + TRANSFER_DEAD_LETTERS, context, this.#endsOfTheDead());
  }

  get #onward(): QueueEnds['onward'] {
    const target = this.options.forwardTo;
    return target === undefined ? undefined : (message) => this.#pass(new KeptMessage(message), target);
  }

  #ends(): QueueEnds {
    const { requiresSession } = this.options;
    const rules = (): Options => this.options;
    const onward = (): QueueEnds['onward'] => this.#onward;
    return {
      requiresSession,
      deadLetter: (message, why) => this.bury(message, why),
      get rules() {
        return rules();
      },
      get onward() {
        return onward();
      },
    };
  }

  #endsOfTheDead(): QueueEnds {
    const lockDuration = (): number => this.options.lockDurationMs;
    return {
      requiresSession: false,
      deadLetter: undefined,
      onward: undefined,
      rules: {
        get lockDurationMs() {
          return lockDuration();
        },
        maxDeliveryCount: Infinity,
        defaultTimeToLiveMs: Infinity,
        deadLetteringOnMessageExpiration: false,
      },
    };
  }

  get queues(): readonly MessageQueue[] {
    return [this.main, this.deadLetters, this.transferDeadLetters];
  }

  get lastUsedAt(): number {
    return Math.max(this.accessedAt, ...this.queues.map(({ lastUsedAt }) => lastUsedAt));
  }

  get sizeInBytes(): number {
    return this.queues.reduce((bytes, { store }) => bytes + store.bytes, 0);
  }

  get counts(): MessageCounts {
    const { active, deferred, scheduled } = this.main.store.counts;
    return {
      total: this.queues.reduce((count, { store }) => count + store.log.size, 0),
      active,
      deferred,
      scheduled,
      deadLetter: this.deadLetters.store.log.size,
      // What is forwarded goes at once.
      transfer: 0,
      transferDeadLetter: this.transferDeadLetters.store.log.size,
    };
  }

  /** Takes a message past the checks that a sender is held to: what must not wait here is dead at once. */
  admit(message: KeptMessage): number {
    if (this.options.requiresSession && message.sessionId === undefined && this.options.forwardTo === undefined) {
      this.bury(message, NO_SESSION);
      return 0;
    }
    this.main.accept(message);
    return message.sequenceNumber;
  }

  /** Makes a dead letter of a message that has left its place. */
  bury(message: KeptMessage, why: DeadLetterReason): void {
    const dead = this.#dead(message, why);
    const target = this.options.forwardDeadLetteredMessagesTo;
    if (target === undefined) {
      this.deadLetters.accept(dead);
      return;
    }
    dead.deadLetterSource = this.path;
    this.#pass(dead, target);
  }

  /** `message` is a copy of its own. */
  #pass(message: KeptMessage, target: string): void {
    const why = this.#forward(message, target);
    if (why === undefined) return;
    this.#context.log(`a message of '${this.path}' cannot be forwarded to '${target}': ${why.description ?? ''}`);
    this.transferDeadLetters.accept(this.#dead(message, why));
  }

  #dead(message: KeptMessage, { reason, description, properties }: DeadLetterReason): KeptMessage {
    const dead = new KeptMessage(message);
    dead.enqueuedAt = message.enqueuedAt || this.#context.clock.now();
    const application = {
      ...properties,
      ...(reason !== undefined && { DeadLetterReason: reason }),
      ...(description !== undefined && { DeadLetterErrorDescription: description }),
    };
    try {
      if (Object.keys(application).length > 0) dead.content = changeProperties(message.content, { application });
    } catch (error) {
      // Its sender wrote properties that cannot be read: it is kept as it came.
      if (!(error instanceof MessageFormatError)) throw error;
      this.#context.log(
        `a dead letter of '${this.path}' cannot be given its reason (${reason ?? ''}): ${error.message}`,
      );
    }
    return dead;
  }

  /** Why nobody may receive here now. */
  get receiveRefusal(): BrokerError | undefined {
    const { status } = this.options;
    if (status !== 'Disabled' && status !== 'ReceiveDisabled') return undefined;
    return new BrokerError('entityDisabled', `'${this.path}' cannot be received from: its status is ${status}.`);
  }

  /** The options have changed. */
  applyOptions(): void {
    const disabled = this.receiveRefusal;
    if (disabled !== undefined) for (const queue of this.queues) queue.closeReceivers(disabled);
    if (this.options.forwardTo === undefined) return;
    this.main.closeReceivers(this.forwardingRefusal);
    this.main.sendOnward();
  }

  get forwardingRefusal(): BrokerError {
    return new BrokerError(
      'invalidOperation',
      `'${this.path}' cannot be received from: it forwards its messages to '${this.options.forwardTo ?? ''}'.`,
    );
  }
}
