import type { KeptMessage } from './kept-message';
import type { Session } from './sessions';

/** Who holds a message, and until when. */
export class Lock {
  readonly token: string;
  readonly message: KeptMessage;
  until: number;
  /** The session that it came with; its lock is the message's. */
  readonly session: Session | undefined;
  /** Its neighbours among those that end by themselves. */
  earlier: Lock | undefined = undefined;
  later: Lock | undefined = undefined;

  constructor(token: string, message: KeptMessage, until: number, session: Session | undefined) {
    this.token = token;
    this.message = message;
    this.until = until;
    this.session = session;
  }
}

/**
 * The locks on the messages of one queue, by token, and those that end by themselves in the order in which they do. All
 * last equally long, until somebody changes the queue's options, so a new one nearly always ends last: it finds its
 * place from the end of the list. A message that is settled leaves nothing behind, which matters to the collector: most
 * live for a moment only.
 */
export class Locks {
  readonly #byToken = new Map<string, Lock>();
  #first: Lock | undefined;
  #last: Lock | undefined;

  get size(): number {
    return this.#byToken.size;
  }

  /** When the next one ends by itself; Infinity: none does. */
  get nextEnd(): number {
    return this.#first?.until ?? Infinity;
  }

  /** The one that ends next. */
  get first(): Lock | undefined {
    return this.#first;
  }

  get(token: string): Lock | undefined {
    return this.#byToken.get(token);
  }

  take(message: KeptMessage, token: string, until: number, session: Session | undefined): void {
    const lock = new Lock(token, message, until, session);
    message.lock = lock;
    this.#byToken.set(token, lock);
    if (session === undefined) this.#enlist(lock);
    else session.held.add(message);
  }

  /** Nothing happens where there is none. */
  release(message: KeptMessage): void {
    const { lock } = message;
    if (lock === undefined) return;
    message.lock = undefined;
    this.#byToken.delete(lock.token);
    if (lock.session === undefined) this.#delist(lock);
    else lock.session.held.delete(message);
  }

  renew(lock: Lock, until: number): void {
    this.#delist(lock);
    lock.until = until;
    this.#enlist(lock);
  }

  clear(): void {
    this.#byToken.clear();
    this.#first = this.#last = undefined;
  }

  #enlist(lock: Lock): void {
    let before = this.#last;
    while (before !== undefined && before.until > lock.until) before = before.earlier;
    const behind = before === undefined ? this.#first : before.later;
    lock.earlier = before;
    lock.later = behind;
    if (before === undefined) this.#first = lock;
    else before.later = lock;
    if (behind === undefined) this.#last = lock;
    else behind.earlier = lock;
  }

  #delist(lock: Lock): void {
    if (lock.earlier === undefined) this.#first = lock.later;
    else lock.earlier.later = lock.later;
    if (lock.later === undefined) this.#last = lock.earlier;
    else lock.later.earlier = lock.earlier;
    lock.earlier = lock.later = undefined;
  }
}
