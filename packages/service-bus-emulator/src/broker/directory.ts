import type { BrokerContext } from './context';
import type { Destination } from './destination';
import type { QueueOptions, SubscriptionOptions, TopicOptions } from './entities';
import { BrokerError } from './errors';
import { createForward, type Forward } from './forwarding';
import type { MessageQueue } from './message-queue';
import { Queue } from './queue';
import { DEAD_LETTERS, TRANSFER_DEAD_LETTERS } from './receiving-entity';
import { Subscription } from './subscription';
import { Topic } from './topic';

/** What an address stands for: an entity, and which of its places. */
export type Place =
  | { readonly kind: 'topic'; readonly entity: Topic; readonly queue: MessageQueue }
  | { readonly kind: 'queue' | 'subscription'; readonly entity: Queue | Subscription; readonly queue: MessageQueue };

const SUBSCRIPTIONS = '/subscriptions/';
/** Addresses are not case-sensitive; this many spellings are remembered at most. */
const SPELLINGS = 10_000;

export const notFound = (path: string): BrokerError =>
  new BrokerError('entityNotFound', `The messaging entity '${path}' could not be found.`);

export const subscriptionPath = (topic: string, name: string): string => `${topic}/Subscriptions/${name}`;

/** All entities of a namespace by name, and what addresses stand for. */
export class Directory {
  readonly queues = new Map<string, Queue>();
  readonly topics = new Map<string, Topic>();
  readonly #context: BrokerContext;
  readonly #forward: Forward;
  readonly #maxQueueBytes: number;
  readonly #places = new Map<string, Place>();

  constructor(context: BrokerContext, maxQueueBytes: number) {
    this.#context = context;
    this.#maxQueueBytes = maxQueueBytes;
    this.#forward = createForward((path) => this.destination(path));
  }

  destination(path: string): Destination | undefined {
    const name = path.toLowerCase();
    return this.queues.get(name) ?? this.topics.get(name);
  }

  addQueue(name: string, options: QueueOptions): Queue {
    const queue = new Queue(name, options, this.#context, this.#forward, this.#maxQueueBytes);
    this.queues.set(name.toLowerCase(), queue);
    return queue;
  }

  addTopic(name: string, options: TopicOptions): Topic {
    const topic = new Topic(name, options, this.#context, this.#maxQueueBytes);
    this.topics.set(name.toLowerCase(), topic);
    return topic;
  }

  addSubscription(topic: Topic, name: string, options: SubscriptionOptions): Subscription {
    const subscription = new Subscription(subscriptionPath(topic.path, name), options, this.#context, this.#forward);
    topic.subscriptions.set(name.toLowerCase(), subscription);
    return subscription;
  }

  removeQueue(queue: Queue): void {
    this.queues.delete(queue.path.toLowerCase());
    this.#gone(queue);
  }

  removeTopic(topic: Topic): void {
    this.topics.delete(topic.path.toLowerCase());
    for (const subscription of topic.subscriptions.values()) this.#gone(subscription);
    this.#gone(topic);
  }

  removeSubscription(topic: Topic, subscription: Subscription): void {
    topic.subscriptions.delete(subscription.path.slice(topic.path.length + SUBSCRIPTIONS.length).toLowerCase());
    this.#gone(subscription);
  }

  #gone({ path, queues }: { readonly path: string; readonly queues: readonly MessageQueue[] }): void {
    this.#places.clear();
    const reason = new BrokerError(
      'entityDeleted',
      `The messaging entity '${path}' could not be found: it was deleted.`,
    );
    for (const queue of queues) queue.close(reason);
  }

  /** Every place where messages lie. */
  *allQueues(): Generator<MessageQueue> {
    for (const queue of this.queues.values()) yield* queue.queues;
    for (const topic of this.topics.values()) {
      yield* topic.queues;
      for (const subscription of topic.subscriptions.values()) yield* subscription.queues;
    }
  }

  /** What an address stands for. Throws entityNotFound. */
  at(address: string): Place {
    const known = this.#places.get(address);
    if (known !== undefined) return known;
    const place = this.#find(address.toLowerCase());
    if (place === undefined) throw notFound(address);
    if (this.#places.size >= SPELLINGS) this.#places.clear();
    this.#places.set(address, place);
    return place;
  }

  #find(path: string): Place | undefined {
    const suffix = [TRANSFER_DEAD_LETTERS, DEAD_LETTERS].find((end) => path.endsWith(end.toLowerCase()));
    const entityPath = suffix === undefined ? path : path.slice(0, -suffix.length);
    const topic = suffix === undefined ? this.topics.get(entityPath) : undefined;
    if (topic !== undefined) return { kind: 'topic', entity: topic, queue: topic.main };
    const queue = this.queues.get(entityPath);
    const entity = queue ?? this.#subscriptionAt(entityPath);
    if (entity === undefined) return undefined;
    const kind = queue === undefined ? 'subscription' : 'queue';
    if (suffix === undefined) return { kind, entity, queue: entity.main };
    return { kind, entity, queue: suffix === DEAD_LETTERS ? entity.deadLetters : entity.transferDeadLetters };
  }

  #subscriptionAt(path: string): Subscription | undefined {
    const cut = path.lastIndexOf(SUBSCRIPTIONS);
    if (cut < 0) return undefined;
    return this.topics.get(path.slice(0, cut))?.subscriptions.get(path.slice(cut + SUBSCRIPTIONS.length));
  }
}
