import { types } from 'rhea';
import { BrokerError } from '../broker/errors';
import type { Delivery, ReceiveMode, Receiver, ReceiverOptions } from '../broker/receiver';
import { mostBytes, writeMessage } from '../message/outgoing';
import type { Client, FrontOptions, OpenLink } from './client';
import { amqpError, RequestError, wordingOf } from './errors';
import { toDeliveryTag } from './lock-token';
import { toOutcome } from './outcome';
import { answerAttach, type DeliveryState, holdAttach, type RheaLink, senderOf, tellDrained } from './rhea-seam';
import { rejected } from './rhea-values';
import { type Recipient, SentDelivery } from './session-sender';
import { whenDurable } from './send-link';

const SESSION_FILTER = 'com.microsoft:session-filter';
const LOCKED_UNTIL = 'com.microsoft:locked-until-utc';
const TIMEOUT = 'com.microsoft:timeout';

/** For how long a client waits for a session if it doesn't say so. */
const DEFAULT_SESSION_WAIT_MS = 60_000;
/** AMQP's snd-settle-mode of a link on which messages are gone once they are sent. */
const SETTLED = 1;

/** Milliseconds since the Unix epoch as .NET's ticks (100 ns since the year 1), an AMQP long that no number can hold. */
function toTicks(milliseconds: number): unknown {
  const ticks = Buffer.allocUnsafe(8);
  ticks.writeBigInt64BE(BigInt(Math.floor(milliseconds)) * 10_000n + 621_355_968_000_000_000n);
  return types.wrap_long(ticks);
}

/** One link over which a client receives: between the broker's receiver and rhea's sender. */
class ReceiveLink implements OpenLink, Recipient {
  readonly #options: FrontOptions;
  readonly #client: Client;
  readonly link: RheaLink;
  readonly address: string;
  readonly #mode: ReceiveMode;
  #receiver: Receiver | undefined;
  #waiting: { cancel(): void } | undefined;
  #tag = 0;

  constructor(options: FrontOptions, client: Client, link: RheaLink, address: string) {
    this.#options = options;
    this.#client = client;
    this.link = link;
    this.address = address;
    this.#mode = link.snd_settle_mode === SETTLED ? 'receiveAndDelete' : 'peekLock';
    link.local.attach['snd_settle_mode'] = link.snd_settle_mode;
    link.local.attach['rcv_settle_mode'] = link.rcv_settle_mode;
  }

  get #callbacks(): ReceiverOptions {
    return {
      mode: this.#mode,
      onDelivery: (delivery) => this.#send(delivery),
      onClosed: (reason) => this.#client.closeLink(this, amqpError(reason)),
    };
  }

  open(): void {
    const { link, address } = this;
    const filter = link.source?.filter ?? {};
    link.set_target(link.target ?? {});
    if (SESSION_FILTER in filter) this.#acceptSession(filter[SESSION_FILTER]);
    else {
      this.#receiver = this.#options.broker.openReceiver(address, this.#callbacks);
      link.set_source({ address });
    }
    this.#client.addLink(this);
    link.on('sender_flow', () => this.#flow());
    link.on('sender_close', () => this.#client.removeLink(this));
  }

  #acceptSession(filter: unknown): void {
    const { link } = this;
    const session = filter === null || filter === undefined ? null : (types.unwrap(filter) as unknown);
    if (session !== null && typeof session !== 'string') {
      throw new RequestError('amqp:invalid-field', 400, `expected a text or null in the filter ${SESSION_FILTER}`);
    }
    const timeout = link.properties?.[TIMEOUT];
    // The broker may decide at once, within the attach, or later: then the answer to the attach is held back so long.
    const attach: { isHeld: boolean; isDecided: boolean; refusal?: Error } = { isHeld: false, isDecided: false };
    // A little less than the client waits, so that it hears the reason instead of giving up by itself.
    const waitMs = (typeof timeout === 'number' ? timeout : DEFAULT_SESSION_WAIT_MS) * 0.9;
    const { patience } = this.#options;
    const onRefused = (reason: BrokerError): void => {
      attach.isDecided = true;
      if (attach.isHeld) this.#client.closeLink(this, amqpError(reason));
      else attach.refusal = reason;
    };
    const request = this.#options.broker.acceptSession(this.address, {
      ...this.#callbacks,
      session,
      ...(patience === undefined && { waitMs }),
      onAccepted: (receiver) => {
        attach.isDecided = true;
        this.#acceptedSession(receiver);
        if (attach.isHeld) answerAttach(link);
        this.#flow();
      },
      onRefused,
    });
    if (attach.refusal !== undefined) throw attach.refusal;
    if (attach.isDecided) return;
    attach.isHeld = true;
    holdAttach(link);
    const giveUp = patience?.schedule(patience.now() + waitMs, () => {
      if (attach.isDecided) return;
      request.cancel();
      onRefused(
        new BrokerError('noSessionAvailable', `No session of ${this.address} became free within ${waitMs} ms.`),
      );
    });
    this.#waiting = {
      cancel: () => {
        giveUp?.cancel();
        request.cancel();
      },
    };
  }

  #acceptedSession(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#waiting = undefined;
    const id = receiver.session?.id ?? '';
    this.link.set_source({ address: this.address, filter: { [SESSION_FILTER]: id } });
    this.link.local.attach['properties'] = { [LOCKED_UNTIL]: toTicks(receiver.session?.lockedUntil ?? 0) };
  }

  /** The client has said how much it takes. */
  #flow(): void {
    const { link } = this;
    const receiver = this.#receiver;
    if (receiver === undefined || receiver.closed) return;
    if (link.state.open_requests > 0) {
      // rhea writes transfers before attaches: wait until the answer to this one is out.
      setImmediate(() => this.#flow());
      return;
    }
    receiver.setCredit(Math.max(0, link.credit - senderOf(link).waitingOn(link)));
    if (!link._draining) return;
    receiver.setCredit(0);
    this.#takeBack();
    tellDrained(link);
  }

  #send({ message, lockToken, lockedUntil }: Delivery): void {
    const isLocked = lockToken !== undefined;
    senderOf(this.link).send(
      isLocked
        ? new SentDelivery(this.link, toDeliveryTag(lockToken), lockToken, this)
        : new SentDelivery(this.link, this.#nextTag()),
      {
        mostBytes: mostBytes(message),
        write: (writer) => writeMessage(writer, message, isLocked ? lockedUntil : undefined),
      },
    );
  }

  /** Of a message that has no lock. */
  #nextTag(): Buffer {
    const tag = Buffer.alloc(16);
    tag.writeUInt32BE(this.#tag++ >>> 0, 12);
    return tag;
  }

  decided(delivery: SentDelivery, state: DeliveryState): void {
    const sender = senderOf(this.link);
    const refuse = (error: unknown): void => {
      const { isFault, description } = wordingOf(error);
      if (isFault) this.#options.log?.log('Error', `A message of "${this.address}" was not settled: ${description}`);
      sender.reject(delivery, rejected(amqpError(error)));
    };
    try {
      this.#options.broker.settle(this.address, delivery.lockToken, toOutcome(state));
    } catch (error) {
      refuse(error);
      return;
    }
    // The answer to every outcome is accepted: an echo of rejected would be an error to the client.
    whenDurable(this.#options.broker, () => sender.accept(delivery), refuse);
  }

  /** Messages that wait for the client's window go back, as if they had not been delivered. */
  #takeBack(): void {
    for (const { lockToken } of senderOf(this.link).takeBack(this.link)) {
      this.#options.broker.settle(this.address, lockToken, { kind: 'release' });
    }
  }

  ended(): void {
    if (this.#waiting !== undefined) {
      this.#waiting.cancel();
      this.#waiting = undefined;
      answerAttach(this.link);
    }
    if (this.#receiver !== undefined && !this.#receiver.closed) {
      this.#takeBack();
      this.#receiver.close();
    }
    this.#receiver = undefined;
  }
}

/** Over which a client receives messages of a queue, a subscription, a dead-letter queue, or a session of one. */
export function openReceiveLink(options: FrontOptions, client: Client, link: RheaLink, address: string): void {
  client.authorize(address);
  new ReceiveLink(options, client, link, address).open();
}
