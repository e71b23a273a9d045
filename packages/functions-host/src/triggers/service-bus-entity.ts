import type { BindingMetadata } from '../app/registered-function';

/** A queue, or a subscription of a topic, that messages are received from. */
export interface ServiceBusEntity {
  /** Its address: `orders`, `orders/$DeadLetterQueue`, `events/Subscriptions/mail`. */
  readonly path: string;
  /** Queue or topic that a connection string may be bound to. */
  readonly owner: string;
  /** For messages: queue 'orders', subscription 'mail' of topic 'events'. */
  readonly title: string;
}

/**
 * What a trigger listens to: `queueName`, or `topicName` and `subscriptionName`; each may name a dead-letter queue.
 * @throws Error saying what is missing, and what came.
 */
export function readSource(trigger: BindingMetadata): ServiceBusEntity {
  const { queueName, topicName, subscriptionName } = trigger;
  if (queueName !== undefined) {
    const path = readName(queueName, 'queueName');
    return { path, owner: withoutSubQueue(path), title: `queue '${path}'` };
  }
  if (topicName === undefined) {
    throw new Error('it needs a queueName, or a topicName and a subscriptionName.');
  }
  const topic = readName(topicName, 'topicName');
  const subscription = readName(subscriptionName, 'subscriptionName');
  return {
    path: `${topic}/Subscriptions/${subscription}`,
    owner: topic,
    title: `subscription '${subscription}' of topic '${topic}'`,
  };
}

/**
 * What an output is sent to: the text of its `queueName` or `topicName`.
 * @throws Error saying what is missing, and what came.
 */
export function readTarget(binding: BindingMetadata): { readonly name: string; readonly kind: 'queue' | 'topic' } {
  const { queueName, topicName } = binding;
  if (queueName !== undefined) return { name: readName(queueName, 'queueName'), kind: 'queue' };
  if (topicName !== undefined) return { name: readName(topicName, 'topicName'), kind: 'topic' };
  throw new Error(`binding '${binding.name}' needs a queueName or a topicName.`);
}

function readName(value: unknown, option: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  throw new Error(`its ${option} must be a name; got ${JSON.stringify(value)}.`);
}

function withoutSubQueue(path: string): string {
  return path.replace(/(?:\/\$transfer)?\/\$deadletterqueue$/i, '');
}
