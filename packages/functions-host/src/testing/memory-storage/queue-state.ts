/*
 * The queues of a storage account, in memory.
 *
 * A message is in its queue from when it was sent until it is removed or its time is over. It can be fetched while it is
 * not hidden; fetching hides it, counts, and gives a receipt that only the latest fetcher has. All of this is a matter of
 * the clock, and nothing here waits: what is over is found out when somebody looks. The one thing that has to happen by
 * itself is that a hidden message can be fetched again, because somebody may be waiting for it. So each such moment is put
 * on the clock, and `onVisible` is called then, as it is when a message is sent that isn't hidden.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Scheduled } from '../../clock';
import { StorageError } from './storage-error';

/** Times are milliseconds since the epoch. */
export interface KeptMessage {
  readonly id: string;
  readonly text: string;
  readonly popReceipt: string;
  /** How often it was fetched. */
  readonly dequeueCount: number;
  readonly insertedAt: number;
  /** Infinity if it stays until it is removed. */
  readonly expiresAt: number;
  /** When it can be fetched (again). */
  readonly visibleAt: number;
}

type Entry = { -readonly [Key in keyof KeptMessage]: KeptMessage[Key] } & {
  /** When it can be fetched again, on the clock. */
  showing: Scheduled | undefined;
};

interface Queue {
  readonly name: string;
  metadata: Readonly<Record<string, string>>;
  /** In the order in which they were sent. */
  readonly messages: Map<string, Entry>;
}

export interface QueueStateOptions {
  readonly clock: Clock;
  /** There is a message to fetch that could not be fetched before. */
  readonly onVisible: (queueName: string) => void;
}

export class QueueState {
  readonly #clock: Clock;
  readonly #onVisible: (queueName: string) => void;
  readonly #queues = new Map<string, Queue>();

  constructor({ clock, onVisible }: QueueStateOptions) {
    this.#clock = clock;
    this.#onVisible = onVisible;
  }

  /** Forgets everything, and what was put on the clock. */
  close(): void {
    for (const queue of this.#queues.values()) forget(queue, queue.messages.values());
    this.#queues.clear();
  }

  names(): string[] {
    return [...this.#queues.keys()].sort();
  }

  has(queueName: string): boolean {
    return this.#queues.has(queueName);
  }

  /** @returns false if there is such a queue already, with the same metadata. */
  create(queueName: string, metadata: Readonly<Record<string, string>> = {}): boolean {
    const present = this.#queues.get(queueName);
    if (present === undefined) {
      this.#queues.set(queueName, { name: queueName, metadata, messages: new Map() });
      return true;
    }
    if (isSame(present.metadata, metadata)) return false;
    throw new StorageError(409, 'QueueAlreadyExists', `Queue '${queueName}' exists, with other metadata.`);
  }

  delete(queueName: string): void {
    this.clear(queueName);
    this.#queues.delete(queueName);
  }

  metadata(queueName: string): Readonly<Record<string, string>> {
    return this.#get(queueName).metadata;
  }

  setMetadata(queueName: string, metadata: Readonly<Record<string, string>>): void {
    this.#get(queueName).metadata = metadata;
  }

  /** All messages, hidden ones too, in the order in which they were sent. */
  messages(queueName: string): readonly KeptMessage[] {
    return [...this.#current(queueName).messages.values()].map(copy);
  }

  /** @param hiddenMs how long it can't be fetched. @param livesMs how long it is kept; Infinity for ever. */
  send(queueName: string, text: string, hiddenMs: number, livesMs: number): KeptMessage {
    const queue = this.#current(queueName);
    const now = this.#clock.now();
    const message: Entry = {
      ...{ id: randomUUID(), text, popReceipt: toReceipt(), dequeueCount: 0, insertedAt: now },
      ...{ expiresAt: now + livesMs, visibleAt: now + hiddenMs, showing: undefined },
    };
    queue.messages.set(message.id, message);
    this.#tell(queue, message);
    return copy(message);
  }

  /** Fetches up to `count` messages that are not hidden, and hides them. */
  receive(queueName: string, count: number, hiddenMs: number): readonly KeptMessage[] {
    const queue = this.#current(queueName);
    const now = this.#clock.now();
    const found = visible(queue, now).slice(0, count);
    for (const message of found) {
      message.visibleAt = now + hiddenMs;
      message.popReceipt = toReceipt();
      message.dequeueCount++;
      this.#showLater(queue, message);
    }
    return found.map(copy);
  }

  /** Up to `count` messages that are not hidden, as they are. */
  peek(queueName: string, count: number): readonly KeptMessage[] {
    const found = visible(this.#current(queueName), this.#clock.now()).slice(0, count);
    return found.map(copy);
  }

  /** Hides a fetched message anew, for `hiddenMs` from now, and may change its text. */
  update(
    queueName: string,
    { id, popReceipt }: { id: string; popReceipt: string },
    change: { readonly hiddenMs: number; readonly text?: string },
  ): KeptMessage {
    const queue = this.#current(queueName);
    const message = find(queue, id, popReceipt);
    message.visibleAt = this.#clock.now() + change.hiddenMs;
    message.popReceipt = toReceipt();
    if (change.text !== undefined) message.text = change.text;
    this.#tell(queue, message);
    return copy(message);
  }

  remove(queueName: string, { id, popReceipt }: { id: string; popReceipt: string }): void {
    const queue = this.#current(queueName);
    forget(queue, [find(queue, id, popReceipt)]);
  }

  clear(queueName: string): void {
    const queue = this.#get(queueName);
    forget(queue, queue.messages.values());
  }

  #get(queueName: string): Queue {
    const queue = this.#queues.get(queueName);
    if (queue !== undefined) return queue;
    throw new StorageError(404, 'QueueNotFound', 'The specified queue does not exist.');
  }

  /** Without messages whose time is over. */
  #current(queueName: string): Queue {
    const queue = this.#get(queueName);
    const now = this.#clock.now();
    forget(
      queue,
      [...queue.messages.values()].filter(({ expiresAt }) => expiresAt <= now),
    );
    return queue;
  }

  #tell(queue: Queue, message: Entry): void {
    this.#showLater(queue, message);
    if (message.visibleAt <= this.#clock.now()) this.#onVisible(queue.name);
  }

  #showLater(queue: Queue, message: Entry): void {
    message.showing?.cancel();
    message.showing = undefined;
    const { visibleAt, expiresAt } = message;
    if (visibleAt <= this.#clock.now() || visibleAt >= expiresAt) return;
    const about = { kind: 'message', what: `message of queue '${queue.name}'` } as const;
    message.showing = this.#clock.schedule(visibleAt, () => this.#onVisible(queue.name), about);
  }
}

function forget(queue: Queue, messages: Iterable<Entry>): void {
  for (const { id, showing } of messages) {
    showing?.cancel();
    queue.messages.delete(id);
  }
}

function copy({ showing: _showing, ...message }: Entry): KeptMessage {
  return message;
}

function visible(queue: Queue, now: number): Entry[] {
  // Sorting is stable: of those that could be fetched at the same time the first one sent comes first.
  return [...queue.messages.values()]
    .filter(({ visibleAt }) => visibleAt <= now)
    .sort((a, b) => a.visibleAt - b.visibleAt);
}

function find(queue: Queue, id: string, popReceipt: string): Entry {
  const message = queue.messages.get(id);
  if (message === undefined) {
    throw new StorageError(404, 'MessageNotFound', 'The specified message does not exist.');
  }
  if (message.popReceipt === popReceipt) return message;
  throw new StorageError(
    400,
    'PopReceiptMismatch',
    'The specified pop receipt did not match the pop receipt for a dequeued message.',
  );
}

function toReceipt(): string {
  return Buffer.from(randomUUID()).toString('base64');
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
