import type { QueueOptions, SubscriptionOptions, TopicOptions } from '../broker/entities';
import type { Range, Section } from './section';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Bounds are Azure's; those of the official emulator are narrower. */
const ranges = {
  timeToLive: { least: SECOND, most: Infinity, official: { least: SECOND, most: HOUR } },
  duplicateWindow: { least: 5 * SECOND, most: 7 * DAY, official: { least: 5 * SECOND, most: 5 * MINUTE } },
  lock: { least: 5 * SECOND, most: 5 * MINUTE },
  deliveries: { least: 1, most: 2_000, official: { least: 1, most: 10 } },
} satisfies Record<string, Range>;

const receivableKeys = [
  'DeadLetteringOnMessageExpiration',
  'DefaultMessageTimeToLive',
  'ForwardDeadLetteredMessagesTo',
  'ForwardTo',
  'LockDuration',
  'MaxDeliveryCount',
  'RequiresSession',
] as const;
const duplicateKeys = ['DuplicateDetectionHistoryTimeWindow', 'RequiresDuplicateDetection'] as const;

type Receivable = Pick<
  QueueOptions & SubscriptionOptions,
  | 'deadLetteringOnMessageExpiration'
  | 'defaultTimeToLiveMs'
  | 'forwardDeadLetteredMessagesTo'
  | 'forwardTo'
  | 'lockDurationMs'
  | 'maxDeliveryCount'
  | 'requiresSession'
>;
type Deduplicating = Pick<QueueOptions & TopicOptions, 'requiresDuplicateDetection' | 'duplicateDetectionWindowMs'>;

export function readQueueOptions(properties: Section | undefined): Partial<QueueOptions> {
  properties?.know(...receivableKeys, ...duplicateKeys);
  return { ...readReceivable(properties), ...readDeduplicating(properties) };
}

export function readTopicOptions(properties: Section | undefined): Partial<TopicOptions> {
  properties?.know('DefaultMessageTimeToLive', ...duplicateKeys);
  return { defaultTimeToLiveMs: readTimeToLive(properties), ...readDeduplicating(properties) };
}

/** The official emulator's own example has the window of a queue on subscriptions, where it means nothing: no warning. */
export function readSubscriptionOptions(properties: Section | undefined): Partial<SubscriptionOptions> {
  properties?.know(...receivableKeys, 'DuplicateDetectionHistoryTimeWindow');
  return readReceivable(properties);
}

const readTimeToLive = (properties: Section | undefined): number =>
  properties?.duration('DefaultMessageTimeToLive', ranges.timeToLive) ?? HOUR;

function readReceivable(properties: Section | undefined): Receivable {
  return {
    deadLetteringOnMessageExpiration: properties?.boolean('DeadLetteringOnMessageExpiration') ?? false,
    defaultTimeToLiveMs: readTimeToLive(properties),
    // An empty text is none, as in the official emulator's example.
    forwardDeadLetteredMessagesTo: properties?.text('ForwardDeadLetteredMessagesTo') || undefined,
    forwardTo: properties?.text('ForwardTo') || undefined,
    lockDurationMs: properties?.duration('LockDuration', ranges.lock) ?? MINUTE,
    maxDeliveryCount: properties?.integer('MaxDeliveryCount', ranges.deliveries) ?? 3,
    requiresSession: properties?.boolean('RequiresSession') ?? false,
  };
}

function readDeduplicating(properties: Section | undefined): Deduplicating {
  return {
    requiresDuplicateDetection: properties?.boolean('RequiresDuplicateDetection') ?? false,
    duplicateDetectionWindowMs:
      properties?.duration('DuplicateDetectionHistoryTimeWindow', ranges.duplicateWindow) ?? 20 * SECOND,
  };
}
