import type { Administration, BrokerQuotas, QueueView, SubscriptionView, TopicView } from './broker';
import type { BrokerContext } from './context';
import { type Directory, notFound } from './directory';
import {
  DEFAULT_RULE,
  queueDefaults,
  type QueueOptions,
  subscriptionDefaults,
  type SubscriptionDeclaration,
  type SubscriptionOptions,
  topicDefaults,
  type TopicOptions,
} from './entities';
import { entityRecord } from './entity-record';
import { BrokerError } from './errors';
import { checkName } from './names';
import type { Queue } from './queue';
import type { Subscription } from './subscription';
import type { Topic } from './topic';

export const queueView = (queue: Queue): QueueView => ({
  name: queue.path,
  options: queue.options,
  counts: queue.counts,
  sizeInBytes: queue.sizeInBytes,
  createdAt: queue.createdAt,
  updatedAt: queue.updatedAt,
  accessedAt: queue.accessedAt,
});

const topicView = (topic: Topic): TopicView => ({
  name: topic.path,
  options: topic.options,
  subscriptionCount: topic.subscriptions.size,
  scheduled: topic.main.store.counts.scheduled,
  sizeInBytes: topic.sizeInBytes,
  createdAt: topic.createdAt,
  updatedAt: topic.updatedAt,
  accessedAt: topic.accessedAt,
});

const subscriptionView = (topic: Topic, subscription: Subscription): SubscriptionView => ({
  topic: topic.path,
  name: subscription.name,
  options: subscription.options,
  counts: subscription.counts,
  rules: subscription.rules,
  sizeInBytes: subscription.sizeInBytes,
  createdAt: subscription.createdAt,
  updatedAt: subscription.updatedAt,
  accessedAt: subscription.accessedAt,
});

/** Options that cannot be changed once an entity is there. */
const FIXED = ['requiresSession', 'requiresDuplicateDetection', 'enablePartitioning'] as const;

function checkFixed(path: string, before: object, after: object): void {
  for (const option of FIXED) {
    const was: unknown = Reflect.get(before, option);
    const is: unknown = Reflect.get(after, option);
    if (was === is) continue;
    throw new BrokerError(
      'invalidOperation',
      `'${option}' of '${path}' is ${String(was)} and cannot be changed to ${String(is)} once the entity is there.`,
    );
  }
}

const given = <T extends object>(options: Partial<T> | undefined): Partial<T> =>
  // An option that is there and undefined is left out, but for the targets of forwarding, which it clears.
  Object.fromEntries(
    Object.entries(options ?? {}).filter(([name, value]) => value !== undefined || name.startsWith('forward')),
  ) as Partial<T>;

/** Entities and rules of a broker: made, changed, looked at and deleted. */
export class EntityAdministration implements Administration {
  readonly #context: BrokerContext;
  readonly #directory: Directory;
  readonly #maxEntities: number;

  constructor(context: BrokerContext, directory: Directory, quotas: BrokerQuotas) {
    this.#context = context;
    this.#directory = directory;
    this.#maxEntities = quotas.maxEntities ?? Infinity;
  }

  get queues(): readonly QueueView[] {
    return [...this.#directory.queues.values()].map(queueView);
  }

  get topics(): readonly TopicView[] {
    return [...this.#directory.topics.values()].map(topicView);
  }

  subscriptions(name: string): readonly SubscriptionView[] {
    const topic = this.#topic(name);
    return [...topic.subscriptions.values()].map((subscription) => subscriptionView(topic, subscription));
  }

  getQueue(name: string): QueueView | undefined {
    const queue = this.#directory.queues.get(name.toLowerCase());
    return queue && queueView(queue);
  }

  getTopic(name: string): TopicView | undefined {
    const topic = this.#directory.topics.get(name.toLowerCase());
    return topic && topicView(topic);
  }

  getSubscription(topicName: string, name: string): SubscriptionView | undefined {
    const topic = this.#directory.topics.get(topicName.toLowerCase());
    const subscription = topic?.subscriptions.get(name.toLowerCase());
    return topic && subscription && subscriptionView(topic, subscription);
  }

  #queue(name: string): Queue {
    const queue = this.#directory.queues.get(name.toLowerCase());
    if (queue === undefined) throw notFound(name);
    return queue;
  }

  #topic(name: string): Topic {
    const topic = this.#directory.topics.get(name.toLowerCase());
    if (topic === undefined) throw notFound(name);
    return topic;
  }

  #subscription(topic: string, name: string): Subscription {
    const subscription = this.#topic(topic).subscriptions.get(name.toLowerCase());
    if (subscription === undefined) throw notFound(`${topic}/Subscriptions/${name}`);
    return subscription;
  }

  #checkNew(kind: 'queue' | 'topic', name: string): void {
    checkName(kind, name);
    if (this.#directory.destination(name) !== undefined) {
      throw new BrokerError('entityExists', `There is a queue or topic '${name}' already.`);
    }
    const { queues, topics } = this.#directory;
    if (queues.size + topics.size < this.#maxEntities) return;
    throw new BrokerError(
      'quotaExceeded',
      `The namespace has ${this.#maxEntities} queues and topics, as many as it may.`,
    );
  }

  createQueue(name: string, options?: Partial<QueueOptions>): QueueView {
    return this.#context.turn.run(() => {
      this.#checkNew('queue', name);
      const queue = this.#directory.addQueue(name, { ...queueDefaults, ...given(options) });
      this.#tell(queue);
      return queueView(queue);
    });
  }

  createTopic(name: string, options?: Partial<TopicOptions>): TopicView {
    return this.#context.turn.run(() => {
      this.#checkNew('topic', name);
      const topic = this.#directory.addTopic(name, { ...topicDefaults, ...given(options) });
      this.#tell(topic);
      return topicView(topic);
    });
  }

  createSubscription(topicName: string, { name, options, rules }: SubscriptionDeclaration): SubscriptionView {
    return this.#context.turn.run(() => {
      const topic = this.#topic(topicName);
      checkName('subscription', name);
      if (topic.subscriptions.has(name.toLowerCase())) {
        throw new BrokerError('entityExists', `There is a subscription '${name}' of '${topic.path}' already.`);
      }
      const subscription = this.#directory.addSubscription(topic, name, { ...subscriptionDefaults, ...given(options) });
      try {
        this.#setRules(subscription, rules);
      } catch (error) {
        this.#directory.removeSubscription(topic, subscription);
        throw error;
      }
      this.#tell(subscription);
      return subscriptionView(topic, subscription);
    });
  }

  #setRules(subscription: Subscription, rules: SubscriptionDeclaration['rules']): void {
    const wanted = rules === undefined || rules.length === 0 ? [DEFAULT_RULE] : rules;
    const names = wanted.map(({ name }) => name.toLowerCase());
    const twice = wanted.find(({ name }, index) => names.indexOf(name.toLowerCase()) !== index);
    if (twice !== undefined) {
      throw new BrokerError('entityExists', `'${subscription.path}' has two rules '${twice.name}'.`);
    }
    for (const { name } of wanted) checkName('rule', name);
    subscription.setRules(wanted, this.#context.clock.now());
  }

  updateQueue(name: string, options: Partial<QueueOptions>): QueueView {
    return this.#context.turn.run(() => {
      const queue = this.#queue(name);
      const after = { ...queue.options, ...given(options) };
      checkFixed(queue.path, queue.options, after);
      queue.options = after;
      this.#updated(queue);
      queue.applyOptions();
      return queueView(queue);
    });
  }

  updateTopic(name: string, options: Partial<TopicOptions>): TopicView {
    return this.#context.turn.run(() => {
      const topic = this.#topic(name);
      const after = { ...topic.options, ...given(options) };
      checkFixed(topic.path, topic.options, after);
      topic.options = after;
      this.#updated(topic);
      return topicView(topic);
    });
  }

  /** `rules` replaces all that there are. */
  updateSubscription(
    topicName: string,
    name: string,
    options: Partial<SubscriptionOptions>,
    rules?: SubscriptionDeclaration['rules'],
  ): SubscriptionView {
    return this.#context.turn.run(() => {
      const topic = this.#topic(topicName);
      const subscription = this.#subscription(topicName, name);
      const after = { ...subscription.options, ...given(options) };
      checkFixed(subscription.path, subscription.options, after);
      if (rules !== undefined) this.#setRules(subscription, rules);
      subscription.options = after;
      this.#updated(subscription);
      subscription.applyOptions();
      return subscriptionView(topic, subscription);
    });
  }

  #updated(entity: Queue | Topic | Subscription): void {
    entity.updatedAt = this.#context.clock.now();
    this.#tell(entity);
  }

  #tell(entity: Queue | Topic | Subscription): void {
    this.#context.turn.record(entityRecord(entity));
    const { autoDeleteOnIdleMs } = entity.options;
    if (autoDeleteOnIdleMs !== Infinity) this.#context.wakeAt(entity.accessedAt + autoDeleteOnIdleMs);
  }

  deleteQueue(name: string): void {
    this.#context.turn.run(() => {
      const queue = this.#queue(name);
      this.#directory.removeQueue(queue);
      this.#context.turn.record({ type: 'entityDeleted', path: queue.path });
    });
  }

  deleteTopic(name: string): void {
    this.#context.turn.run(() => {
      const topic = this.#topic(name);
      this.#directory.removeTopic(topic);
      this.#context.turn.record({ type: 'entityDeleted', path: topic.path });
    });
  }

  deleteSubscription(topicName: string, name: string): void {
    this.#context.turn.run(() => {
      const subscription = this.#subscription(topicName, name);
      this.#directory.removeSubscription(this.#topic(topicName), subscription);
      this.#context.turn.record({ type: 'entityDeleted', path: subscription.path });
    });
  }

  createRule(topic: string, subscriptionName: string, rule: Parameters<Administration['createRule']>[2]): void {
    this.#context.turn.run(() => {
      const subscription = this.#subscription(topic, subscriptionName);
      checkName('rule', rule.name);
      if (subscription.hasRule(rule.name)) {
        throw new BrokerError('entityExists', `There is a rule '${rule.name}' of '${subscription.path}' already.`);
      }
      subscription.setRule(rule, this.#context.clock.now());
      this.#updated(subscription);
    });
  }

  updateRule(topic: string, subscriptionName: string, rule: Parameters<Administration['updateRule']>[2]): void {
    this.#context.turn.run(() => {
      const subscription = this.#withRule(topic, subscriptionName, rule.name);
      subscription.setRule(rule, this.#context.clock.now());
      this.#updated(subscription);
    });
  }

  deleteRule(topic: string, subscriptionName: string, rule: string): void {
    this.#context.turn.run(() => {
      const subscription = this.#withRule(topic, subscriptionName, rule);
      subscription.removeRule(rule);
      this.#updated(subscription);
    });
  }

  #withRule(topic: string, subscriptionName: string, rule: string): Subscription {
    const subscription = this.#subscription(topic, subscriptionName);
    if (subscription.hasRule(rule)) return subscription;
    throw new BrokerError('entityNotFound', `'${subscription.path}' has no rule '${rule}'.`);
  }

  purge(address: string): number {
    return this.#context.turn.run(
      () => this.#directory.at(address).queue.removeWhere(({ lock }) => lock === undefined).length,
    );
  }
}
