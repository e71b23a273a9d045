import { EntityAdministration } from './administration';
import type { Activity, Broker, BrokerQuotas, DeletedMessages } from './broker';
import type { BrokerContext } from './context';
import type { Destination } from './destination';
import type { Directory, Place } from './directory';
import { BrokerError } from './errors';
import type { Journal, JournalRecord } from './journal';
import { type KeptMessage, received } from './kept-message';
import type { IncomingMessage, Outcome, StoredMessage } from './message';
import type { MessageQueue } from './message-queue';
import type { Delivery, ReceiveMode, Receiver, ReceiverOptions, SessionOptions, SessionRequest } from './receiver';
import { snapshot } from './replay';
import type { SessionLocks } from './session-locks';
import { Subscription } from './subscription';

/** Azure's standard tier. */
const MAX_MESSAGE_BYTES = 262_144;

/** The front door of a broker: finds whom an address means, lets time catch up with it, and has it decide. */
export class NamespaceBroker extends EntityAdministration implements Broker {
  readonly #context: BrokerContext;
  readonly #directory: Directory;
  readonly #journal: Journal | undefined;
  readonly #maxMessageBytes: number;
  readonly #maxBatchBytes: number;
  readonly #listeners = new Set<() => void>();
  readonly activity: Activity;

  constructor(context: BrokerContext, directory: Directory, quotas: BrokerQuotas, journal: Journal | undefined) {
    super(context, directory, quotas);
    this.#context = context;
    this.#directory = directory;
    this.#journal = journal;
    this.#maxMessageBytes = quotas.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    this.#maxBatchBytes = quotas.maxBatchBytes ?? this.#maxMessageBytes;
    this.activity = this.#activity();
  }

  // -- sending --------------------------------------------------------------------------------------------------------

  #destination(address: string): Destination & { accessedAt: number } {
    const { entity, queue } = this.#directory.at(address);
    if (!(entity instanceof Subscription) && queue === entity.main) return entity;
    throw new BrokerError(
      'invalidOperation',
      `'${address}' takes no messages from outside: expected a queue or a topic.`,
    );
  }

  checkSend(address: string): void {
    const refusal = this.#destination(address).closed;
    if (refusal !== undefined) throw refusal;
  }

  send(address: string, messages: readonly IncomingMessage[]): readonly number[] {
    return this.#context.turn.run(() => {
      const destination = this.#destination(address);
      this.#checkSizes(messages);
      let before = 0;
      for (const message of messages) {
        const refusal = destination.refusal(message, before);
        if (refusal !== undefined) throw refusal;
        before += message.content.length;
      }
      destination.accessedAt = this.#context.clock.now();
      return messages.map((message) => destination.take(received(message)));
    });
  }

  #checkSizes(messages: readonly IncomingMessage[]): void {
    let total = 0;
    for (const { content } of messages) {
      total += content.length;
      if (content.length > this.#maxMessageBytes) {
        throw new BrokerError(
          'messageSizeExceeded',
          `The message has ${content.length} bytes; at most ${this.#maxMessageBytes} are taken.`,
        );
      }
    }
    if (messages.length < 2 || total <= this.#maxBatchBytes) return;
    throw new BrokerError(
      'messageSizeExceeded',
      `The batch has ${total} bytes; at most ${this.#maxBatchBytes} are taken.`,
    );
  }

  schedule(address: string, messages: readonly IncomingMessage[]): readonly number[] {
    const without = messages.findIndex(({ scheduledAt }) => scheduledAt === undefined);
    if (without >= 0) {
      throw new BrokerError(
        'invalidArgument',
        `expected a time for each message to schedule, got none for message ${without + 1}`,
      );
    }
    return this.send(address, messages);
  }

  cancelScheduled(address: string, sequenceNumbers: readonly number[]): void {
    this.#use(address, ({ queue }) => queue.cancelScheduled(sequenceNumbers));
  }

  // -- receiving ------------------------------------------------------------------------------------------------------

  /** Finds whom an address means and has it decide something as of now. */
  #use<T>(address: string, decide: (place: Place) => T): T {
    return this.#context.turn.run(() => {
      const place = this.#directory.at(address);
      place.queue.advance(this.#context.clock.now());
      return decide(place);
    });
  }

  #receivable(address: string, { kind, entity, queue }: Place): MessageQueue {
    if (kind === 'topic') {
      throw new BrokerError(
        'invalidOperation',
        `'${address}' is a topic: expected one of its subscriptions to receive from.`,
      );
    }
    if (entity.receiveRefusal !== undefined) throw entity.receiveRefusal;
    if (queue === entity.main && entity.options.forwardTo !== undefined) throw entity.forwardingRefusal;
    entity.accessedAt = this.#context.clock.now();
    return queue;
  }

  requiresSession(address: string): boolean {
    return this.#directory.at(address).queue.sessions !== undefined;
  }

  openReceiver(address: string, options: ReceiverOptions): Receiver {
    return this.#use(address, (place) => {
      const queue = this.#receivable(address, place);
      if (queue.sessions === undefined) return queue.openReceiver(options);
      throw new BrokerError('invalidOperation', `'${address}' requires sessions: expected a receiver of a session.`);
    });
  }

  acceptSession(address: string, options: SessionOptions): SessionRequest {
    return this.#use(address, (place) => this.#sessionsOf(address, this.#receivable(address, place)).accept(options));
  }

  #sessionsOf(address: string, { sessions }: MessageQueue): SessionLocks {
    if (sessions !== undefined) return sessions;
    throw new BrokerError('invalidOperation', `'${address}' has no sessions.`);
  }

  settle(address: string, lockToken: string, outcome: Outcome): void {
    this.#use(address, ({ queue }) => queue.settle(lockToken, outcome));
  }

  renewLocks(address: string, lockTokens: readonly string[]): readonly number[] {
    return this.#use(address, ({ queue }) => queue.renewLocks(lockTokens));
  }

  peek(address: string, from: number, count: number, session?: string): readonly StoredMessage[] {
    return this.#use(address, ({ queue }) => queue.store.peek(from, count, session));
  }

  receiveDeferred(
    address: string,
    sequenceNumbers: readonly number[],
    mode: ReceiveMode,
    session?: string,
  ): readonly Delivery[] {
    return this.#use(address, (place) =>
      this.#receivable(address, place).receiveDeferred(sequenceNumbers, mode, session),
    );
  }

  deleteMessages(address: string, { count, enqueuedBefore, session }: DeletedMessages): number {
    return this.#use(address, (place) => {
      const queue = this.#receivable(address, place);
      const held = session === undefined ? undefined : queue.sessions?.holder(session);
      const goes = ({ lock, state, enqueuedAt, sessionId }: KeptMessage): boolean =>
        lock === undefined &&
        state !== 'scheduled' &&
        enqueuedAt < enqueuedBefore &&
        (held === undefined || sessionId === held.id);
      return queue.removeWhere(goes, count).length;
    });
  }

  // -- sessions -------------------------------------------------------------------------------------------------------

  renewSessionLock(address: string, session: string): number {
    return this.#use(address, ({ queue }) => this.#sessionsOf(address, queue).renew(session));
  }

  getSessionState(address: string, session: string): Buffer | undefined {
    return this.#use(address, ({ queue }) => this.#sessionsOf(address, queue).state(session));
  }

  setSessionState(address: string, session: string, state: Buffer | undefined): void {
    this.#use(address, ({ queue }) => this.#sessionsOf(address, queue).setState(session, state));
  }

  listSessions(address: string, page: { skip: number; top: number; updatedSince?: number }): readonly string[] {
    return this.#use(address, ({ queue }) =>
      this.#sessionsOf(address, queue).list(page.skip, page.top, page.updatedSince),
    );
  }

  // -- the whole ------------------------------------------------------------------------------------------------------

  durable(): Promise<void> | undefined {
    return this.#journal?.durable();
  }

  snapshot(): Iterable<JournalRecord> {
    return snapshot(this.#directory);
  }

  #activity(): Activity {
    const sum = (of: (queue: MessageQueue) => number): number => {
      let total = 0;
      for (const queue of this.#directory.allQueues()) total += of(queue);
      return total;
    };
    const nextDue = (): number | undefined => this.#nextDue();
    const listeners = this.#listeners;
    return {
      get locked() {
        return sum((queue) => queue.locked);
      },
      get deliverable() {
        return sum((queue) => queue.deliverable);
      },
      get nextDue() {
        return nextDue();
      },
      onChange(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Does what is due; returns when something is due next. */
  ring(): number | undefined {
    const now = this.#context.clock.now();
    this.#context.turn.run(() => {
      for (const queue of this.#directory.allQueues()) queue.advance(now);
      this.#deleteIdle(now);
    });
    return this.#nextDue();
  }

  #nextDue(): number | undefined {
    let next = Infinity;
    for (const queue of this.#directory.allQueues()) next = Math.min(next, queue.nextDue);
    for (const { due } of this.#idling()) next = Math.min(next, due);
    return next === Infinity ? undefined : next;
  }

  /** Entities that are deleted when they have not been used for long enough, and when that is. */
  *#idling(): Generator<{ due: number; delete: () => void }> {
    const dueOf = (entity: { lastUsedAt: number; options: { autoDeleteOnIdleMs: number } }): number =>
      entity.lastUsedAt + entity.options.autoDeleteOnIdleMs;
    for (const queue of this.#directory.queues.values()) {
      if (dueOf(queue) < Infinity) yield { due: dueOf(queue), delete: () => this.deleteQueue(queue.path) };
    }
    for (const topic of this.#directory.topics.values()) {
      if (dueOf(topic) < Infinity) yield { due: dueOf(topic), delete: () => this.deleteTopic(topic.path) };
      for (const subscription of topic.subscriptions.values()) {
        if (dueOf(subscription) === Infinity) continue;
        yield {
          due: dueOf(subscription),
          delete: () => this.deleteSubscription(topic.path, subscription.name),
        };
      }
    }
  }

  #deleteIdle(now: number): void {
    for (const idle of [...this.#idling()]) if (idle.due <= now) idle.delete();
  }
}
