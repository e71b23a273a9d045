import { type Directory, subscriptionPath } from './directory';
import { entityRecord } from './entity-record';
import { BrokerError } from './errors';
import type { EntityRecord, JournalRecord } from './journal';
import { KeptMessage } from './kept-message';
import type { MessageQueue } from './message-queue';
import type { Queue } from './queue';
import type { Topic } from './topic';

const ofNowhere = (what: string, where: string): Error =>
  new Error(`the journal does not agree with itself: ${what} of '${where}', which is not there`);

/** Makes a directory's entities and messages again, from what a journal has told. Nothing is delivered meanwhile. */
export function replay(directory: Directory, records: Iterable<JournalRecord>, now: number): void {
  for (const record of records) {
    if (record.type === 'entity') putEntity(directory, record);
    else if (record.type === 'entityDeleted') removeEntity(directory, record.path);
    else if (record.type === 'remembered') remember(directory, record.path, record.messageId, record.at);
    else replayMessage(storeAt(directory, record.store, record.type), record, now);
  }
  for (const queue of directory.allQueues()) queue.resume();
}

function storeAt(directory: Directory, address: string, what: string): MessageQueue {
  try {
    return directory.at(address).queue;
  } catch (error) {
    if (error instanceof BrokerError) throw ofNowhere(`a record '${what}'`, address);
    throw error;
  }
}

/** `topic/Subscriptions/name`, as the broker itself writes it. */
function topicAndName(path: string): { topic: string; name: string } {
  const cut = path.lastIndexOf(subscriptionPath('', ''));
  return { topic: path.slice(0, cut), name: path.slice(cut + subscriptionPath('', '').length) };
}

function putEntity(directory: Directory, record: EntityRecord): void {
  const { createdAt, updatedAt, path } = record;
  const key = path.toLowerCase();
  if (record.kind === 'queue') {
    const queue = directory.queues.get(key) ?? directory.addQueue(path, record.options);
    Object.assign(queue, { options: record.options, createdAt, updatedAt });
  } else if (record.kind === 'topic') {
    const topic = directory.topics.get(key) ?? directory.addTopic(path, record.options);
    Object.assign(topic, { options: record.options, createdAt, updatedAt });
  } else {
    const { topic: topicName, name } = topicAndName(path);
    const topic = directory.topics.get(topicName.toLowerCase());
    if (topic === undefined) throw ofNowhere(`a subscription '${name}'`, topicName);
    const subscription =
      topic.subscriptions.get(name.toLowerCase()) ?? directory.addSubscription(topic, name, record.options);
    Object.assign(subscription, { options: record.options, createdAt, updatedAt });
    subscription.setRules(record.rules, createdAt);
  }
}

function removeEntity(directory: Directory, path: string): void {
  const key = path.toLowerCase();
  const queue = directory.queues.get(key);
  const topic = directory.topics.get(key);
  if (queue !== undefined) directory.removeQueue(queue);
  else if (topic !== undefined) directory.removeTopic(topic);
  else {
    const parts = topicAndName(key.replace('/subscriptions/', subscriptionPath('', '')));
    const of = directory.topics.get(parts.topic);
    const subscription = of?.subscriptions.get(parts.name);
    if (of === undefined || subscription === undefined) throw ofNowhere('the deletion', path);
    directory.removeSubscription(of, subscription);
  }
}

function remember(directory: Directory, path: string, messageId: string, at: number): void {
  const entity = directory.queues.get(path.toLowerCase()) ?? directory.topics.get(path.toLowerCase());
  if (entity === undefined) throw ofNowhere('a message id', path);
  entity.intake.history.add(messageId, at);
}

type MessageRecord = Exclude<JournalRecord, { readonly type: 'entity' | 'entityDeleted' | 'remembered' }>;

function replayMessage({ store, sessions }: MessageQueue, record: MessageRecord, now: number): void {
  if (record.type === 'added') {
    const message = new KeptMessage(record.message);
    message.sequenceNumber = record.message.sequenceNumber;
    message.state = record.message.state;
    message.enqueuedAt = record.message.enqueuedAt;
    message.expiresAt = record.message.expiresAt;
    store.restore(message);
    return;
  }
  if (record.type === 'sequence') {
    store.next = Math.max(store.next, record.next);
    return;
  }
  if (record.type === 'sessionState') return sessions?.restoreState(record.session, record.state, now);
  const message = store.log.get(record.sequenceNumber);
  if (message === undefined) throw ofNowhere(`message ${record.sequenceNumber}`, store.address);
  if (record.type === 'removed') store.leave(message);
  else store.change(message, record.state, record.deliveryCount, record.content);
}

/** All that has to be told to make a directory again as it is. */
export function* snapshot(directory: Directory): Generator<JournalRecord> {
  for (const queue of directory.queues.values()) yield* snapshotOf(queue, queue.queues);
  for (const topic of directory.topics.values()) {
    yield* snapshotOf(topic, topic.queues);
    for (const subscription of topic.subscriptions.values()) {
      yield entityRecord(subscription);
      for (const queue of subscription.queues) yield* messagesOf(queue);
    }
  }
}

function* snapshotOf(entity: Queue | Topic, queues: readonly MessageQueue[]): Generator<JournalRecord> {
  yield entityRecord(entity);
  for (const [messageId, at] of entity.intake.history.entries) {
    yield { type: 'remembered', path: entity.path, messageId, at };
  }
  for (const queue of queues) yield* messagesOf(queue);
}

function* messagesOf({ store, sessions, address }: MessageQueue): Generator<JournalRecord> {
  for (const message of store.log.from(0)) yield { type: 'added', store: address, message };
  if (store.next > 1) yield { type: 'sequence', store: address, next: store.next };
  for (const [session, state] of sessions?.states() ?? [])
    yield { type: 'sessionState', store: address, session, state };
}
