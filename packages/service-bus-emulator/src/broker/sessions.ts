import { type Tally, WaitingLine } from './waiting-line';
import type { Due } from './deadlines';
import { BrokerError } from './errors';
import { Fifo } from './fifo';
import type { KeptMessage } from './kept-message';
import type { OpenReceiver } from './open-receiver';
import type { ReceiverSession, SessionOptions } from './receiver';

/** Messages that belong together and go to one receiver at a time, in order. */
export class Session implements Due, ReceiverSession {
  readonly id: string;
  readonly line: WaitingLine;
  /** Delivered and not settled. */
  readonly held = new Set<KeptMessage>();
  /** Who has locked it. */
  receiver: OpenReceiver | undefined;
  lockedUntil = 0;
  state: Buffer | undefined;
  stateSetAt = 0;
  /** Messages of the session in any state but scheduled. */
  size = 0;
  /** Whether it stands in the line of free sessions. */
  offered = false;

  constructor(id: string, tally: Tally) {
    this.id = id;
    this.line = new WaitingLine(tally);
  }

  get due(): number {
    return this.receiver === undefined ? Infinity : this.lockedUntil;
  }
}

/** A receiver that waits for a free session. */
export interface WaitingRequest {
  readonly options: SessionOptions;
  over: boolean;
  timer: { cancel(): void } | undefined;
}

/** The sessions of one queue: which there are, which are free and have messages, and who waits for one. */
export class Sessions {
  readonly #byId = new Map<string, Session>();
  readonly #free = new Fifo<Session>();
  readonly #requests = new Fifo<WaitingRequest>();
  readonly #tally: Tally;
  #waiting = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** How many receivers wait for a session. */
  get waiting(): number {
    return this.#waiting;
  }

  get all(): Iterable<Session> {
    return this.#byId.values();
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id);
  }

  open(id: string): Session {
    let session = this.#byId.get(id);
    if (session === undefined) {
      session = new Session(id, this.#tally);
      this.#byId.set(id, session);
    }
    return session;
  }

  /** The session that the caller says to hold. */
  locked(id: string): Session {
    const session = this.#byId.get(id);
    if (session?.receiver === undefined) {
      throw new BrokerError(
        'sessionLockLost',
        `The session '${id}' is not locked: its lock has ended or was released.`,
      );
    }
    return session;
  }

  /** Forgets a session that nothing is kept of. */
  tidy(session: Session): void {
    if (session.size === 0 && session.state === undefined && session.receiver === undefined) {
      this.#byId.delete(session.id);
    }
  }

  /** To be called when a session may have become free, or got messages. */
  offer(session: Session): void {
    if (session.offered || session.receiver !== undefined || session.line.length === 0) return;
    session.offered = true;
    this.#free.push(session);
  }

  ask(request: WaitingRequest): void {
    while (this.#requests.peek()?.over === true) this.#requests.shift();
    if (this.#requests.length > 2 * this.#waiting + 16) this.#requests.filter(({ over }) => !over);
    this.#requests.push(request);
    this.#waiting++;
  }

  /** The request has been granted, refused or given up. */
  settle(request: WaitingRequest): void {
    if (request.over) return;
    request.over = true;
    request.timer?.cancel();
    this.#waiting--;
  }

  /** The next free session with messages and the receiver that has waited longest, if there are both. */
  match(): { session: Session; request: WaitingRequest } | undefined {
    if (this.#waiting === 0) return undefined;
    for (let session = this.#free.peek(); session !== undefined; session = this.#free.peek()) {
      if (session.receiver === undefined && session.line.length > 0) break;
      session.offered = false;
      this.#free.shift();
    }
    const session = this.#free.peek();
    if (session === undefined) return undefined;
    for (let request = this.#requests.shift(); request !== undefined; request = this.#requests.shift()) {
      if (request.over) continue;
      session.offered = false;
      this.#free.shift();
      this.settle(request);
      return { session, request };
    }
    return undefined;
  }

  /** All that wait, who wait no more. */
  dismiss(): WaitingRequest[] {
    const dismissed: WaitingRequest[] = [];
    for (let request = this.#requests.shift(); request !== undefined; request = this.#requests.shift()) {
      if (request.over) continue;
      this.settle(request);
      dismissed.push(request);
    }
    return dismissed;
  }
}
