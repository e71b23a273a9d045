/*
 * Which element of a description is which option of an entity, read and written by one table each, so that what comes
 * back is what was sent. The bounds are Azure's.
 */
import type { EntityStatus, QueueOptions, SubscriptionOptions, TopicOptions } from '../broker/entities';
import { formatDuration } from '../duration';
import type { XmlChildren } from './atom';
import type { Fields } from './fields';

/** What reading and writing has to know of the namespace. */
export interface FieldContext {
  /** As the client names it, with its port: forwarding targets are written as URLs of it. */
  readonly host: string;
  hasTarget(name: string): boolean;
}

interface OptionField<T> {
  readonly element: string;
  /** Undefined: the element is not there. */
  read(fields: Fields, context: FieldContext): T | undefined;
  /** Undefined: no element. */
  write(value: T, context: FieldContext): string | undefined;
}

type OptionFields<O> = { readonly [K in keyof O]-?: OptionField<O[K]> };

/** The options that a description sets; those that it leaves out are left out. */
export function readOptions<O extends object>(
  table: OptionFields<O>,
  fields: Fields,
  context: FieldContext,
): Partial<O> {
  const options: Partial<O> = {};
  for (const option of keysOf(table)) {
    const value = table[option].read(fields, context);
    if (value !== undefined) options[option] = value;
  }
  return options;
}

export function writeOptions<O extends object>(table: OptionFields<O>, options: O, context: FieldContext): XmlChildren {
  return Object.fromEntries(
    keysOf(table).flatMap((option) => {
      const text = table[option].write(options[option], context);
      return text === undefined ? [] : [[table[option].element, text]];
    }),
  );
}

function keysOf<O extends object>(table: OptionFields<O>): readonly (keyof O)[] {
  return Object.keys(table) as (keyof O)[];
}

function duration(element: string, least: number, most: number): OptionField<number> {
  return { element, read: (fields) => fields.duration(element, { least, most }), write: formatDuration };
}

function integer(element: string, least: number, most: number, step = 1): OptionField<number> {
  return { element, read: (fields) => fields.integer(element, { least, most, step }), write: String };
}

function flag(element: string): OptionField<boolean> {
  return { element, read: (fields) => fields.boolean(element), write: String };
}

function status(...allowed: readonly EntityStatus[]): OptionField<EntityStatus> {
  return { element: 'Status', read: (fields) => fields.oneOf('Status', allowed), write: String };
}

/** The name of a queue or topic, or its URL (`sb://host/name`), as clients send it. */
function target(element: string): OptionField<string | undefined> {
  return {
    element,
    read: (fields, context) => {
      const given = fields.text(element)?.trim();
      if (!given) return undefined;
      const name = decodeURIComponent(given.replace(/^[a-z]+:\/\/[^/]*\//i, '')).replace(/\/+$/, '');
      if (!context.hasTarget(name)) throw fields.refuse(element, 'the name of a queue or topic that is there', given);
      return name;
    },
    write: (name, { host }) => (name === undefined ? undefined : `sb://${host}/${name}`),
  };
}

const DAY_MS = 86_400_000;

const described = {
  enableBatchedOperations: flag('EnableBatchedOperations'),
  userMetadata: {
    element: 'UserMetadata',
    read: (fields: Fields) => fields.text('UserMetadata', 1_024),
    write: (text: string) => text || undefined,
  },
};

const receivable = {
  lockDurationMs: duration('LockDuration', 5_000, 300_000),
  requiresSession: flag('RequiresSession'),
  deadLetteringOnMessageExpiration: flag('DeadLetteringOnMessageExpiration'),
  maxDeliveryCount: integer('MaxDeliveryCount', 1, 2_000),
  forwardTo: target('ForwardTo'),
  forwardDeadLetteredMessagesTo: target('ForwardDeadLetteredMessagesTo'),
};

const deduplicating = {
  requiresDuplicateDetection: flag('RequiresDuplicateDetection'),
  duplicateDetectionWindowMs: duration('DuplicateDetectionHistoryTimeWindow', 20_000, 7 * DAY_MS),
  maxSizeInMegabytes: integer('MaxSizeInMegabytes', 1_024, 81_920, 1_024),
  enablePartitioning: flag('EnablePartitioning'),
};

const expiring = {
  defaultTimeToLiveMs: duration('DefaultMessageTimeToLive', 1_000, Infinity),
  autoDeleteOnIdleMs: duration('AutoDeleteOnIdle', 300_000, Infinity),
};

export const queueFields: OptionFields<QueueOptions> = {
  ...receivable,
  ...deduplicating,
  ...expiring,
  ...described,
  status: status('Active', 'Disabled', 'SendDisabled', 'ReceiveDisabled'),
};

export const topicFields: OptionFields<TopicOptions> = {
  ...deduplicating,
  ...expiring,
  ...described,
  supportOrdering: flag('SupportOrdering'),
  status: status('Active', 'Disabled', 'SendDisabled'),
};

export const subscriptionFields: OptionFields<SubscriptionOptions> = {
  ...receivable,
  ...expiring,
  ...described,
  deadLetteringOnFilterEvaluationExceptions: flag('DeadLetteringOnFilterEvaluationExceptions'),
  status: status('Active', 'Disabled', 'ReceiveDisabled'),
};
