import { BrokerError } from './errors';
import type { Receiver, ReceiverOptions } from './receiver';
import type { Session } from './sessions';
import type { Turn } from './turn';

/** What a receiver asks of the queue that it receives from. */
interface ReceivesFrom {
  readonly address: string;
  /** It has credit now. */
  wants(receiver: OpenReceiver): void;
  letGo(receiver: OpenReceiver): void;
}

/** A receiver as its queue knows it. */
export class OpenReceiver implements Receiver {
  readonly options: ReceiverOptions;
  readonly session: Session | undefined;
  credit = 0;
  closed = false;
  /** Whether it stands among those who take turns. */
  inTurn = false;
  readonly #queue: ReceivesFrom;
  readonly #turn: Turn;

  constructor(queue: ReceivesFrom, turn: Turn, options: ReceiverOptions, session?: Session) {
    this.#queue = queue;
    this.#turn = turn;
    this.options = options;
    this.session = session;
  }

  get address(): string {
    return this.#queue.address;
  }

  addCredit(count: number): void {
    this.setCredit(this.credit + count);
  }

  setCredit(count: number): void {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new BrokerError('invalidArgument', `expected a credit of 0 or more, got ${count}`);
    }
    if (this.closed) return;
    this.#turn.run(() => {
      const had = this.credit;
      this.credit = count;
      if (had === 0 && count > 0) this.#queue.wants(this);
    });
  }

  close(): void {
    if (this.closed) return;
    this.#turn.run(() => {
      this.closed = true;
      this.credit = 0;
      this.#queue.letGo(this);
    });
  }

  /** Closes it without its asking; the queue has let go of it. */
  closeBecause(reason: BrokerError): void {
    this.closed = true;
    this.credit = 0;
    this.#turn.callLater(() => this.options.onClosed(reason));
  }
}
