import { readProperties } from '../message/properties';
import type { RuleMessage, RuleSystemProperties } from '../rules/rule-message';
import type { KeptMessage } from './kept-message';

const date = (at: number | undefined): Date | undefined =>
  at === undefined || at === Infinity ? undefined : new Date(at);

/** What rules see of a message; its content is decoded when a rule asks for it, and once for all rules. */
export class RuleView implements RuleMessage {
  readonly #message: KeptMessage;
  #properties: ReturnType<typeof readProperties> | undefined;
  #system: RuleSystemProperties | undefined;

  constructor(message: KeptMessage) {
    this.#message = message;
  }

  get #content(): ReturnType<typeof readProperties> {
    return (this.#properties ??= readProperties(this.#message.content));
  }

  get application(): Readonly<Record<string, unknown>> {
    return this.#content.application;
  }

  get system(): RuleSystemProperties {
    const message = this.#message;
    return (this.#system ??= {
      ...this.#content.system,
      MessageId: message.messageId,
      SessionId: message.sessionId,
      PartitionKey: message.partitionKey,
      SequenceNumber: message.sequenceNumber,
      EnqueuedSequenceNumber: message.enqueuedSequenceNumber,
      EnqueuedTimeUtc: date(message.enqueuedAt),
      ExpiresAtUtc: date(message.expiresAt),
      ScheduledEnqueueTimeUtc: date(message.scheduledAt),
      TimeToLive: message.timeToLiveMs,
      DeliveryCount: message.deliveryCount,
      DeadLetterSource: message.deadLetterSource,
      Size: message.content.length,
    });
  }
}
