/**
 * A value that a rule can meet: what AMQP's application properties come to in JavaScript. `bigint` stands for a long
 * beyond the safe integers. `null` is a property that is there and holds null; a property that is not there is
 * `undefined`, which SQL calls unknown.
 */
export type RuleValue = string | number | bigint | boolean | Date | Uint8Array | null;

/**
 * The system properties that a rule may name (`sys.Label`), by the names of Azure's documentation, which are compared
 * without case. Times are Dates, `TimeToLive` is milliseconds. A key that is missing or undefined is a property
 * without value (null).
 */
export interface RuleSystemProperties {
  readonly ContentType?: string | null | undefined;
  readonly CorrelationId?: RuleValue | undefined;
  readonly DeadLetterSource?: string | null | undefined;
  readonly DeliveryCount?: number | undefined;
  readonly EnqueuedSequenceNumber?: number | undefined;
  readonly EnqueuedTimeUtc?: Date | undefined;
  readonly ExpiresAtUtc?: Date | undefined;
  readonly Label?: string | null | undefined;
  readonly MessageId?: RuleValue | undefined;
  readonly PartitionKey?: string | null | undefined;
  readonly ReplyTo?: string | null | undefined;
  readonly ReplyToSessionId?: string | null | undefined;
  readonly ScheduledEnqueueTimeUtc?: Date | undefined;
  readonly SequenceNumber?: number | undefined;
  readonly SessionId?: string | null | undefined;
  readonly Size?: number | undefined;
  readonly TimeToLive?: number | undefined;
  readonly To?: string | null | undefined;
  readonly ViaPartitionKey?: string | null | undefined;
}

/**
 * What a rule sees of a message. Both sides may be getters that decode on first use: a rule asks only for what it
 * names.
 */
export interface RuleMessage {
  readonly system: RuleSystemProperties;
  /** Application properties by name, as the sender wrote them; rules find them without case, an exact match first. */
  readonly application: Readonly<Record<string, unknown>>;
}

/** The system properties that an action may set or remove. */
export type ChangeableSystemProperty =
  | 'ContentType'
  | 'CorrelationId'
  | 'Label'
  | 'MessageId'
  | 'PartitionKey'
  | 'ReplyTo'
  | 'ReplyToSessionId'
  | 'ScheduledEnqueueTimeUtc'
  | 'SessionId'
  | 'TimeToLive'
  | 'To'
  | 'ViaPartitionKey';

/** What an action does to a copy of a message: only what changes is here, in the types that the properties take. */
export interface RuleChanges {
  /** Null: the property is removed. `ScheduledEnqueueTimeUtc` is a Date, `TimeToLive` milliseconds, the rest are strings. */
  readonly system: Readonly<Partial<Record<ChangeableSystemProperty, RuleValue>>>;
  /** By the name that the message has already, or else as the action spells it. Undefined: the property is removed. */
  readonly application: Readonly<Record<string, RuleValue | undefined>>;
}
