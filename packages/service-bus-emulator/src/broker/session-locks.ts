import type { BrokerContext } from './context';
import { BrokerError } from './errors';
import { Fifo } from './fifo';
import type { KeptMessage } from './kept-message';
import type { MessageQueue } from './message-queue';
import { OpenReceiver } from './open-receiver';
import type { SessionOptions, SessionRequest } from './receiver';
import { type Session, Sessions, type WaitingRequest } from './sessions';
import type { Tally, WaitingLine } from './waiting-line';

/** Who holds which session of a queue: accepting, renewing, losing and releasing locks, and what sessions remember. */
export class SessionLocks {
  readonly #queue: MessageQueue;
  readonly #context: BrokerContext;
  readonly #sessions: Sessions;
  /** Held sessions that may have something to deliver. */
  readonly #active = new Fifo<Session>();
  #held = 0;

  constructor(queue: MessageQueue, context: BrokerContext, tally: Tally) {
    this.#sessions = new Sessions(tally);
    this.#queue = queue;
    this.#context = context;
  }

  get inUse(): boolean {
    return this.#held > 0 || this.#sessions.waiting > 0;
  }

  lockLost(): BrokerError {
    return new BrokerError(
      'sessionLockLost',
      'The lock on the session has ended or was released, or the message was settled already.',
    );
  }

  // -- messages -------------------------------------------------------------------------------------------------------

  #of(message: KeptMessage): Session {
    return this.#sessions.open(message.sessionId ?? '');
  }

  lineOf(message: KeptMessage): WaitingLine {
    return this.#of(message).line;
  }

  joined(message: KeptMessage): void {
    this.#of(message).size++;
  }

  left(message: KeptMessage): void {
    if (message.state === 'scheduled') return;
    const session = this.#of(message);
    session.size--;
    this.#sessions.tidy(session);
  }

  wait(message: KeptMessage): void {
    const session = this.#of(message);
    session.line.add(message);
    if (session.receiver === undefined) this.#sessions.offer(session);
    else this.#active.push(session);
  }

  wants(session: Session): void {
    this.#active.push(session);
  }

  deliver(): void {
    for (;;) {
      const matched = this.#sessions.match();
      if (matched !== undefined) this.#lock(matched.session, matched.request.options);
      const session = this.#active.shift();
      if (session !== undefined) this.#deliverFrom(session);
      else if (matched === undefined) return;
    }
  }

  #deliverFrom(session: Session): void {
    for (let { receiver } = session; receiver !== undefined && receiver.credit > 0; { receiver } = session) {
      const message = this.#queue.takeFrom(session.line);
      if (message === undefined) return;
      this.#queue.hand(receiver, message);
    }
  }

  // -- locks ----------------------------------------------------------------------------------------------------------

  accept(options: SessionOptions): SessionRequest {
    const request: WaitingRequest = { options, over: false, timer: undefined };
    if (options.session !== null) {
      const session = this.#sessions.open(options.session);
      if (session.receiver !== undefined) {
        throw new BrokerError(
          'sessionCannotBeLocked',
          `The session '${session.id}' of '${this.#queue.address}' is locked by another receiver.`,
        );
      }
      this.#lock(session, options);
      return { cancel: () => undefined };
    }
    this.#sessions.ask(request);
    if (options.waitMs !== undefined) this.#giveUpAfter(request, options.waitMs);
    this.#queue.deliverSoon();
    return { cancel: () => this.#sessions.settle(request) };
  }

  #giveUpAfter(request: WaitingRequest, waitMs: number): void {
    const { clock, turn } = this.#context;
    request.timer = clock.schedule(clock.now() + waitMs, () => {
      turn.run(() => {
        if (request.over) return;
        this.#sessions.settle(request);
        const reason = new BrokerError(
          'noSessionAvailable',
          `No session of '${this.#queue.address}' with messages became free within ${waitMs} ms.`,
        );
        turn.callLater(() => request.options.onRefused(reason));
      });
    });
  }

  #lock(session: Session, options: SessionOptions): void {
    const receiver = new OpenReceiver(this.#queue, this.#context.turn, options, session);
    session.receiver = receiver;
    this.#held++;
    this.#extend(session);
    this.#context.turn.callLater(() => {
      if (!receiver.closed) options.onAccepted(receiver);
    });
  }

  #extend(session: Session): number {
    session.lockedUntil = this.#context.clock.now() + this.#queue.ends.rules.lockDurationMs;
    this.#queue.store.watch(session);
    return session.lockedUntil;
  }

  /** The session is free; its messages go back. `counts`: their deliveries have come to nothing. */
  letGo(session: Session, counts: boolean): void {
    session.receiver = undefined;
    this.#held--;
    for (const message of [...session.held]) this.#queue.unhold(message, counts);
    this.#sessions.offer(session);
    this.#sessions.tidy(session);
    this.#queue.deliverSoon();
  }

  /** The session's lock has ended by itself. */
  lose(session: Session): void {
    session.receiver?.closeBecause(
      new BrokerError('sessionLockLost', `The lock on session '${session.id}' of '${this.#queue.address}' has ended.`),
    );
    this.letGo(session, true);
  }

  closeAll(reason: BrokerError): void {
    for (const session of [...this.#sessions.all]) {
      if (session.receiver === undefined) continue;
      session.receiver.closeBecause(reason);
      this.letGo(session, false);
    }
    for (const { options } of this.#sessions.dismiss()) this.#context.turn.callLater(() => options.onRefused(reason));
  }

  /** The session that a caller says to hold. */
  holder(sessionId: string | undefined): Session {
    if (sessionId === undefined) {
      throw new BrokerError(
        'invalidOperation',
        `'${this.#queue.address}' is received from by sessions: expected a session id, got none.`,
      );
    }
    return this.#sessions.locked(sessionId);
  }

  renew(id: string): number {
    return this.#extend(this.#sessions.locked(id));
  }

  // -- what sessions remember -----------------------------------------------------------------------------------------

  state(id: string): Buffer | undefined {
    return this.#sessions.locked(id).state;
  }

  setState(id: string, state: Buffer | undefined): void {
    const session = this.#sessions.locked(id);
    // A copy: the caller's may be a view of a connection's buffer.
    this.restoreState(id, state === undefined ? undefined : Buffer.from(state), this.#context.clock.now());
    this.#context.turn.record({ type: 'sessionState', store: this.#queue.address, session: id, state: session.state });
  }

  restoreState(id: string, state: Buffer | undefined, at: number): void {
    const session = this.#sessions.open(id);
    session.state = state;
    session.stateSetAt = at;
    this.#sessions.tidy(session);
  }

  *states(): Generator<[id: string, state: Buffer]> {
    for (const { id, state } of this.#sessions.all) if (state !== undefined) yield [id, state];
  }

  list(skip: number, top: number, updatedSince: number | undefined): string[] {
    const ids: string[] = [];
    for (const session of this.#sessions.all) {
      const listed =
        updatedSince === undefined
          ? session.size > 0
          : session.state !== undefined && session.stateSetAt >= updatedSince;
      if (listed) ids.push(session.id);
    }
    return ids.sort().slice(skip, skip + top);
  }
}
