/**
 * One place where messages wait, are locked and are settled: a queue, a subscription, or the dead letters of either.
 * What an entity makes of it (where dead letters go, whether messages go on to another entity) comes in as its `ends`.
 *
 * A message is in one of four situations: scheduled, waiting (in a line, to be taken by whoever has credit), deferred,
 * or locked; a locked one is active or deferred, and goes back to what it was. Time moves it, too: a schedule is due, a
 * waiting message expires, a lock ends. Azure's rules that are easily got wrong:
 * - a delivery counts when the message comes back (abandoned, lock ended) or is deferred, not when it is released;
 * - a locked message does not expire, but does as soon as it comes back; a deferred one only when it is asked for;
 * - a scheduled message gets a new sequence number when it is due, behind those that came meanwhile.
 */
import { changeProperties } from '../message/properties';
import type { BrokerContext } from './context';
import type { BrokerError } from './errors';
import { KeptMessage } from './kept-message';
import { type Lock, Locks } from './locks';
import type { Outcome } from './message';
import { MessageStore } from './message-store';
import { OpenReceiver } from './open-receiver';
import type { Delivery, ReceiveMode, Receiver, ReceiverOptions } from './receiver';
import { deadAlready, lockedWithSession, lockLost, notDeferred, notScheduled } from './refusals';
import { type DeadLetterReason, deliveredTooOften, EXPIRED, type QueueEnds } from './queue-ends';
import { Receivers } from './receivers';
import { SessionLocks } from './session-locks';
import { Session } from './sessions';
import type { Deliverer } from './turn';
import { type Tally, WaitingLine } from './waiting-line';

export class MessageQueue implements Deliverer {
  readonly store: MessageStore;
  readonly ends: QueueEnds;
  readonly sessions: SessionLocks | undefined;
  readonly #context: BrokerContext;
  readonly #locks = new Locks();
  readonly #tally: Tally = { waiting: 0 };
  readonly #line = new WaitingLine(this.#tally);
  readonly #receivers = new Receivers();
  #toDeliver = false;
  #letGoAt = 0;

  constructor(address: string, context: BrokerContext, ends: QueueEnds) {
    this.store = new MessageStore(address, context);
    this.ends = ends;
    this.#context = context;
    this.sessions = ends.requiresSession ? new SessionLocks(this, context, this.#tally) : undefined;
  }

  get address(): string {
    return this.store.address;
  }

  get locked(): number {
    return this.#locks.size;
  }

  /** Messages that would be delivered if receivers took more. */
  get deliverable(): number {
    return this.inUse ? this.#tally.waiting : 0;
  }

  get inUse(): boolean {
    return this.#receivers.size > 0 || this.sessions?.inUse === true;
  }

  /** When a receiver was last here. */
  get lastUsedAt(): number {
    return this.inUse ? this.#context.clock.now() : this.#letGoAt;
  }

  /** Takes a message that is nowhere. */
  accept(message: KeptMessage): void {
    if ((message.scheduledAt ?? 0) <= this.#context.clock.now()) {
      this.#arrive(message);
      return;
    }
    this.store.enter(message, 'scheduled');
    this.store.watch(message);
  }

  #arrive(message: KeptMessage): void {
    if (this.ends.deadLetter !== undefined)
      message.stamp(this.#context.clock.now(), this.ends.rules.defaultTimeToLiveMs);
    if (this.ends.onward !== undefined) {
      message.sequenceNumber = this.store.pass();
      if (message.enqueuedSequenceNumber === 0) message.enqueuedSequenceNumber = message.sequenceNumber;
      this.ends.onward(message);
      return;
    }
    this.store.enter(message, 'active');
    this.sessions?.joined(message);
    this.#wait(message);
  }

  #wait(message: KeptMessage): void {
    if (this.sessions === undefined) this.#line.add(message);
    else this.sessions.wait(message);
    this.store.watch(message);
    this.deliverSoon();
  }

  /** Takes what a journal has told: messages are in the store, nothing waits yet. */
  resume(): void {
    for (const message of this.store.log.from(0)) {
      if (message.state !== 'scheduled') this.sessions?.joined(message);
      if (message.state === 'active') this.#wait(message);
      else this.store.watch(message);
    }
  }

  // -- receivers ------------------------------------------------------------------------------------------------------

  openReceiver(options: ReceiverOptions): Receiver {
    const receiver = new OpenReceiver(this, this.#context.turn, options);
    this.#receivers.add(receiver);
    return receiver;
  }

  wants(receiver: OpenReceiver): void {
    if (receiver.session !== undefined) this.sessions?.wants(receiver.session);
    else this.#receivers.wants(receiver);
    this.deliverSoon();
  }

  letGo(receiver: OpenReceiver): void {
    this.#letGoAt = this.#context.clock.now();
    this.#receivers.remove(receiver);
    if (receiver.session !== undefined) this.sessions?.letGo(receiver.session, false);
  }

  closeReceivers(reason: BrokerError): void {
    this.#receivers.closeAll(reason);
    this.sessions?.closeAll(reason);
  }

  /** The entity is gone: nobody holds anything of it any more. */
  close(reason: BrokerError): void {
    this.closeReceivers(reason);
    this.#locks.clear();
  }

  deliverSoon(): void {
    if (this.#toDeliver) return;
    this.#toDeliver = true;
    this.#context.turn.deliverLater(this);
  }

  deliver(): void {
    // What comes up while delivering is seen by the loops below, so the mark is taken off behind them.
    try {
      if (this.sessions === undefined) this.#receivers.deliver(this, () => this.takeFrom(this.#line));
      else this.sessions.deliver();
    } finally {
      this.#toDeliver = false;
    }
  }

  /** The next of a line that has not expired. */
  takeFrom(line: WaitingLine): KeptMessage | undefined {
    for (let message = line.take(); message !== undefined; message = line.take()) {
      if (message.expiresAt > this.#context.clock.now()) return message;
      this.#expire(message);
    }
    return undefined;
  }

  hand(receiver: OpenReceiver, message: KeptMessage): void {
    receiver.credit--;
    receiver.options.onDelivery(this.#take(message, receiver.options.mode, receiver.session));
  }

  #take(message: KeptMessage, mode: ReceiveMode, session: Session | undefined): Delivery {
    if (mode === 'receiveAndDelete') {
      this.#leave(message);
      return { message, lockToken: undefined, lockedUntil: 0 };
    }
    const token = this.#context.newLockToken();
    const until = this.#lockEnd();
    this.#locks.take(message, token, until, session);
    if (session === undefined) this.#context.wakeAt(until);
    return { message, lockToken: token, lockedUntil: message.lockedUntil };
  }

  #lockEnd(): number {
    return this.#context.clock.now() + this.ends.rules.lockDurationMs;
  }

  #leave(message: KeptMessage): void {
    this.store.leave(message);
    this.sessions?.left(message);
  }

  // -- settling -------------------------------------------------------------------------------------------------------

  #held(token: string): Lock {
    const lock = this.#locks.get(token);
    if (lock === undefined) throw this.sessions?.lockLost() ?? lockLost(token);
    return lock;
  }

  settle(token: string, outcome: Outcome): void {
    const { message } = this.#held(token);
    if (outcome.kind === 'deadLetter' && this.ends.deadLetter === undefined) {
      throw deadAlready(this.address);
    }
    const content =
      'properties' in outcome && outcome.kind !== 'deadLetter' && outcome.properties !== undefined
        ? changeProperties(message.content, { application: outcome.properties })
        : message.content;
    this.#locks.release(message);
    switch (outcome.kind) {
      case 'complete': {
        this.#leave(message);
        return;
      }
      case 'release': {
        this.#returned(message);
        return;
      }
      case 'abandon': {
        this.giveBack(message, content);
        return;
      }
      case 'defer': {
        this.store.change(message, 'deferred', message.deliveryCount + 1, content);
        return;
      }
      case 'deadLetter': {
        this.#bury(message, outcome);
        return;
      }
    }
  }

  /** The session's lock has ended or was released: so has the message's. */
  unhold(message: KeptMessage, counts: boolean): void {
    this.#locks.release(message);
    if (counts) this.giveBack(message);
    else this.#returned(message);
  }

  /** A delivery of the message has come to nothing. */
  giveBack(message: KeptMessage, content = message.content): void {
    const deliveryCount = message.deliveryCount + 1;
    this.store.change(message, message.state, deliveryCount, content);
    if (this.ends.deadLetter === undefined || deliveryCount < this.ends.rules.maxDeliveryCount) {
      this.#returned(message);
      return;
    }
    this.#bury(message, deliveredTooOften(deliveryCount));
  }

  /** Back to where it was before it was locked. */
  #returned(message: KeptMessage): void {
    if (message.state === 'deferred') return;
    if (message.expiresAt <= this.#context.clock.now()) this.#expire(message);
    else if (this.ends.onward === undefined) this.#wait(message);
    else {
      this.#leave(message);
      this.ends.onward(message);
    }
  }

  #expire(message: KeptMessage): void {
    if (this.ends.rules.deadLetteringOnMessageExpiration) {
      this.#bury(message, EXPIRED);
      return;
    }
    this.#leave(message);
    this.#context.log(`message ${message.sequenceNumber} of '${this.address}' has expired and is dropped`);
  }

  #bury(message: KeptMessage, why: DeadLetterReason): void {
    this.#leave(message);
    this.ends.deadLetter?.(message, why);
  }

  renewLocks(tokens: readonly string[]): number[] {
    const locks = tokens.map((token) => this.#held(token));
    if (this.sessions !== undefined) {
      throw lockedWithSession(this.address);
    }
    return locks.map((lock) => {
      this.#locks.renew(lock, this.#lockEnd());
      this.#context.wakeAt(lock.until);
      return lock.until;
    });
  }

  receiveDeferred(sequenceNumbers: readonly number[], mode: ReceiveMode, sessionId: string | undefined): Delivery[] {
    const session = this.sessions?.holder(sessionId);
    const messages = [...new Set(sequenceNumbers)].map((number) => {
      const message = this.store.log.get(number);
      if (message?.state !== 'deferred' || message.lock !== undefined) throw notDeferred(this.address, number);
      if (session !== undefined && message.sessionId !== session.id) throw notDeferred(this.address, number);
      return message;
    });
    const expired = messages.filter(({ expiresAt }) => expiresAt <= this.#context.clock.now());
    for (const message of expired) this.#expire(message);
    if (expired[0] !== undefined) throw notDeferred(this.address, expired[0].sequenceNumber);
    return messages.map((message) => this.#take(message, mode, session));
  }

  // -- looking and clearing -------------------------------------------------------------------------------------------

  cancelScheduled(sequenceNumbers: readonly number[]): void {
    const messages = [...new Set(sequenceNumbers)].map((number) => {
      const message = this.store.log.get(number);
      if (message?.state === 'scheduled') return message;
      throw notScheduled(this.address, number);
    });
    for (const message of messages) this.#leave(message);
  }

  /** Has all that waits arrive again: its entity forwards now. */
  sendOnward(): void {
    for (const message of this.removeWhere((candidate) => candidate.waiting)) this.#arrive(message);
  }

  /** The oldest first. */
  removeWhere(goes: (message: KeptMessage) => boolean, most = Infinity): readonly KeptMessage[] {
    const removed: KeptMessage[] = [];
    for (const message of this.store.log.from(0)) {
      if (removed.length >= most) break;
      if (goes(message)) removed.push(message);
    }
    for (const message of removed) this.#withdraw(message);
    return removed;
  }

  /** Removes a message that may be in a line. */
  #withdraw(message: KeptMessage): void {
    const wasWaiting = message.waiting;
    const line = this.sessions?.lineOf(message) ?? this.#line;
    this.#leave(message);
    if (wasWaiting) line.left();
  }

  // -- time -----------------------------------------------------------------------------------------------------------

  /** When something is due next; Infinity: nothing is. */
  get nextDue(): number {
    return Math.min(this.#locks.nextEnd, this.store.deadlines.next ?? Infinity);
  }

  /** Does what is due by now. */
  advance(now: number): void {
    const { deadlines } = this.store;
    while (this.#locks.nextEnd <= now || deadlines.mayBeDue(now)) {
      const { first } = this.#locks;
      if (first !== undefined && first.until <= Math.min(now, deadlines.next ?? Infinity)) {
        this.#locks.release(first.message);
        this.giveBack(first.message);
        continue;
      }
      const item = deadlines.take(now);
      if (item instanceof KeptMessage) this.#fall(item);
      else if (item instanceof Session) this.sessions?.lose(item);
    }
  }

  #fall(message: KeptMessage): void {
    if (message.state === 'scheduled') {
      this.store.leave(message);
      message.enqueuedSequenceNumber = 0;
      this.#arrive(message);
    } else {
      const line = this.sessions?.lineOf(message) ?? this.#line;
      this.#expire(message);
      line.left();
    }
  }
}
