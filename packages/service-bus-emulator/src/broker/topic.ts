import type { BrokerContext } from './context';
import type { Destination } from './destination';
import type { TopicOptions } from './entities';
import type { BrokerError } from './errors';
import { Intake } from './intake';
import type { KeptMessage } from './kept-message';
import type { IncomingMessage } from './message';
import { MessageQueue } from './message-queue';
import type { QueueEnds } from './queue-ends';
import { RuleView } from './rule-view';
import type { Subscription } from './subscription';

/** A topic: each message that is sent to it goes to all of its subscriptions that take it. */
export class Topic implements Destination {
  readonly path: string;
  options: TopicOptions;
  createdAt: number;
  updatedAt: number;
  accessedAt: number;
  readonly intake: Intake;
  /** By name in lower case. */
  readonly subscriptions = new Map<string, Subscription>();
  /** Keeps what is scheduled, and numbers what passes. */
  readonly main: MessageQueue;

  constructor(name: string, options: TopicOptions, context: BrokerContext, maxBytes: number) {
    this.path = name;
    this.options = options;
    this.createdAt = this.updatedAt = this.accessedAt = context.clock.now();
    this.intake = new Intake(name, context, maxBytes);
    this.main = new MessageQueue(name, context, this.#ends());
  }

  #ends(): QueueEnds {
    const timeToLive = (): number => this.options.defaultTimeToLiveMs;
    return {
      requiresSession: false,
      // Nothing waits here, so that nothing dies here.
      deadLetter: () => undefined,
      onward: (message) => this.#fanOut(message),
      rules: {
        lockDurationMs: 0,
        maxDeliveryCount: Infinity,
        get defaultTimeToLiveMs() {
          return timeToLive();
        },
        deadLetteringOnMessageExpiration: false,
      },
    };
  }

  #fanOut(message: KeptMessage): void {
    const view = new RuleView(message);
    for (const subscription of this.subscriptions.values()) subscription.offer(message, view);
  }

  get lastUsedAt(): number {
    return this.accessedAt;
  }

  get queues(): readonly MessageQueue[] {
    return [this.main];
  }

  get sizeInBytes(): number {
    let bytes = this.main.store.bytes;
    for (const subscription of this.subscriptions.values()) bytes += subscription.sizeInBytes;
    return bytes;
  }

  get closed(): BrokerError | undefined {
    return this.intake.closed(this.options);
  }

  refusal({ content }: Pick<IncomingMessage, 'sessionId' | 'content'>, before = 0): BrokerError | undefined {
    return this.closed ?? this.intake.full(this, before + content.length);
  }

  take(message: KeptMessage): number {
    if (this.intake.isDuplicate(message, this.options)) return 0;
    this.main.accept(message);
    return message.sequenceNumber;
  }
}
