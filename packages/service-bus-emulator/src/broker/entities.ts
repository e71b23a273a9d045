/**
 * Queues, topics, subscriptions and rules as they are declared. Config.json and the administration API both come to
 * these. Durations are milliseconds; `Infinity` is "never" (Azure's P10675199DT2H48M5.4775807S). The defaults here are
 * Azure's; those of the official emulator's Config.json belong to its reader.
 */
import type { Filter } from '../rules/filter';
import type { RuleValue } from '../rules/rule-message';

/**
 * What an entity lets through: `Disabled` nothing, `SendDisabled` only receivers, `ReceiveDisabled` only senders.
 * Azure names them so.
 */
export type EntityStatus = 'Active' | 'Disabled' | 'SendDisabled' | 'ReceiveDisabled';

/** What only the administration API shows and the broker does not act on. */
interface Described {
  readonly userMetadata: string;
  readonly enableBatchedOperations: boolean;
}

interface Receivable extends Described {
  /** For how long a message, or a session, is locked. */
  readonly lockDurationMs: number;
  /** A message that was delivered so often and came back is dead-lettered. */
  readonly maxDeliveryCount: number;
  /** Of messages that have none of their own, and the longest that theirs may be. */
  readonly defaultTimeToLiveMs: number;
  /** Whether expired messages become dead letters, or vanish. */
  readonly deadLetteringOnMessageExpiration: boolean;
  /** Whether messages belong to sessions, which are received one receiver at a time. */
  readonly requiresSession: boolean;
  /** The queue or topic to which each message goes on. */
  readonly forwardTo: string | undefined;
  /** The queue or topic to which dead letters go instead of the dead-letter queue. */
  readonly forwardDeadLetteredMessagesTo: string | undefined;
  readonly status: EntityStatus;
  /** The entity is deleted when nobody has used it for so long. */
  readonly autoDeleteOnIdleMs: number;
}

interface Deduplicating {
  /** Whether a message whose id came within the window already is dropped. */
  readonly requiresDuplicateDetection: boolean;
  readonly duplicateDetectionWindowMs: number;
  readonly maxSizeInMegabytes: number;
  readonly enablePartitioning: boolean;
}

export interface QueueOptions extends Receivable, Deduplicating {}

export interface TopicOptions extends Described, Deduplicating {
  readonly defaultTimeToLiveMs: number;
  readonly status: EntityStatus;
  readonly autoDeleteOnIdleMs: number;
  readonly supportOrdering: boolean;
}

export interface SubscriptionOptions extends Receivable {
  /** Whether a message on which a rule fails becomes a dead letter of the subscription, or passes it by. */
  readonly deadLetteringOnFilterEvaluationExceptions: boolean;
}

/** One way into a subscription. A subscription takes a message when any of its rules does. */
export interface Rule {
  readonly name: string;
  readonly filter: Filter;
  /** `SET ...; REMOVE ...`: what changes in a copy of the message, which this rule makes for itself. */
  readonly action?: string;
  /** Values of `@name` in the action. */
  readonly actionParameters?: Readonly<Record<string, RuleValue>>;
}

/** All that is declared. What an option leaves out has its default. */
export interface Namespace {
  readonly queues: readonly { readonly name: string; readonly options?: Partial<QueueOptions> }[];
  readonly topics: readonly {
    readonly name: string;
    readonly options?: Partial<TopicOptions>;
    readonly subscriptions: readonly SubscriptionDeclaration[];
  }[];
}

export interface SubscriptionDeclaration {
  readonly name: string;
  readonly options?: Partial<SubscriptionOptions>;
  /** Left out or empty: one rule `$Default` that takes all, as Azure makes it. */
  readonly rules?: readonly Rule[];
}

export const DEFAULT_RULE: Rule = { name: '$Default', filter: { kind: 'true' } };

const described: Described = { userMetadata: '', enableBatchedOperations: true };

const receivable: Receivable = {
  ...described,
  lockDurationMs: 60_000,
  maxDeliveryCount: 10,
  defaultTimeToLiveMs: Infinity,
  deadLetteringOnMessageExpiration: false,
  requiresSession: false,
  forwardTo: undefined,
  forwardDeadLetteredMessagesTo: undefined,
  status: 'Active',
  autoDeleteOnIdleMs: Infinity,
};

const deduplicating: Deduplicating = {
  requiresDuplicateDetection: false,
  duplicateDetectionWindowMs: 600_000,
  maxSizeInMegabytes: 1024,
  enablePartitioning: false,
};

export const queueDefaults: QueueOptions = { ...receivable, ...deduplicating };

export const topicDefaults: TopicOptions = {
  ...described,
  ...deduplicating,
  defaultTimeToLiveMs: Infinity,
  status: 'Active',
  autoDeleteOnIdleMs: Infinity,
  supportOrdering: true,
};

export const subscriptionDefaults: SubscriptionOptions = {
  ...receivable,
  deadLetteringOnFilterEvaluationExceptions: true,
};
