import type { MessageCounts, QueueView, SubscriptionView, TopicView } from '../broker/broker';
import { listOf, toTime, type XmlChildren } from './atom';
import type { Fields } from './fields';
import { type FieldContext, queueFields, subscriptionFields, topicFields, writeOptions } from './option-fields';

export interface DescriptionContext extends FieldContext {
  readonly maxMessageBytes: number;
}

const COUNTS = 'http://schemas.microsoft.com/netservices/2011/06/servicebus';

/** Elements that clients send back as they got them, and that nobody can set. */
const READ_ONLY: ReadonlySet<string> = new Set([
  ...['AccessedAt', 'CreatedAt', 'UpdatedAt', 'SizeInBytes', 'MessageCount', 'CountDetails', 'SubscriptionCount'],
  ...['EntityAvailabilityStatus', 'IsAnonymousAccessible', 'FilteringMessagesBeforePublishing', 'IsExpress'],
  ...['EnableSubscriptionPartitioning', 'QueueName', 'TopicName', 'SubscriptionName', 'DefaultRuleDescription'],
]);

/** Refuses what is there in Azure and not here, so that nobody takes it for done. */
export function refuseUnsupported(fields: Fields, context: DescriptionContext): void {
  fields.only('EnableExpress', 'false', 'express entities are not supported');
  const kilobytes = String(toKilobytes(context));
  fields.only('MaxMessageSizeInKilobytes', kilobytes, 'the size of a message is a quota of the whole emulator');
  const rules = listOf(fields.child('AuthorizationRules')?.['AuthorizationRule']);
  if (rules.length > 0) {
    throw fields.refuse('AuthorizationRules', 'none (keys belong to the whole namespace)', `${rules.length} of them`);
  }
}

/** Elements that mean nothing here: what a newer client may have sent, and somebody should hear of. */
export function unknownElements(fields: Fields, table: Readonly<Record<string, { readonly element: string }>>) {
  const known = new Set(Object.values(table).map(({ element }) => element));
  const supported = ['EnableExpress', 'MaxMessageSizeInKilobytes', 'AuthorizationRules'];
  return fields.names.filter((name) => !known.has(name) && !READ_ONLY.has(name) && !supported.includes(name));
}

export function describeQueue(queue: QueueView, context: DescriptionContext): XmlChildren {
  return {
    ...writeOptions(queueFields, queue.options, context),
    ...writeCommon(queue),
    SizeInBytes: String(queue.sizeInBytes),
    MessageCount: String(queue.counts.total),
    CountDetails: writeCounts(queue.counts),
    EnableExpress: 'false',
    IsAnonymousAccessible: 'false',
    MaxMessageSizeInKilobytes: String(toKilobytes(context)),
  };
}

export function describeTopic(topic: TopicView, context: DescriptionContext): XmlChildren {
  return {
    ...writeOptions(topicFields, topic.options, context),
    ...writeCommon(topic),
    SizeInBytes: String(topic.sizeInBytes),
    CountDetails: writeCounts({ scheduled: topic.scheduled }),
    SubscriptionCount: String(topic.subscriptionCount),
    EnableExpress: 'false',
    IsAnonymousAccessible: 'false',
    EnableSubscriptionPartitioning: 'false',
    FilteringMessagesBeforePublishing: 'false',
    MaxMessageSizeInKilobytes: String(toKilobytes(context)),
  };
}

export function describeSubscription(subscription: SubscriptionView, context: DescriptionContext): XmlChildren {
  return {
    ...writeOptions(subscriptionFields, subscription.options, context),
    ...writeCommon(subscription),
    MessageCount: String(subscription.counts.total),
    CountDetails: writeCounts(subscription.counts),
  };
}

function writeCommon({ createdAt, updatedAt, accessedAt }: QueueView | TopicView | SubscriptionView): XmlChildren {
  return {
    CreatedAt: toTime(createdAt),
    UpdatedAt: toTime(updatedAt),
    AccessedAt: toTime(accessedAt),
    EntityAvailabilityStatus: 'Available',
  };
}

/** One client finds these by the one prefix that the element declares. */
function writeCounts(counts: Partial<MessageCounts>): XmlChildren {
  const { active = 0, deadLetter = 0, scheduled = 0, transfer = 0, transferDeadLetter = 0 } = counts;
  return {
    '@xmlns:d2p1': COUNTS,
    'd2p1:ActiveMessageCount': String(active),
    'd2p1:DeadLetterMessageCount': String(deadLetter),
    'd2p1:ScheduledMessageCount': String(scheduled),
    'd2p1:TransferMessageCount': String(transfer),
    'd2p1:TransferDeadLetterMessageCount': String(transferDeadLetter),
  };
}

function toKilobytes({ maxMessageBytes }: DescriptionContext): number {
  return Math.floor(maxMessageBytes / 1_024);
}
