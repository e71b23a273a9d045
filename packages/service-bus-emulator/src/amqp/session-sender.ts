/**
 * The half of a session that sends, in the place of rhea's. It is what a broker spends its time on, and rhea's is made
 * for a client: it makes a list of typed fields and a kilobyte of zeros for each frame, an event that climbs from link to
 * container for each answer, and keeps deliveries in a ring that one old, unsettled delivery blocks. Here a message is
 * written once, into what goes out; deliveries that are not settled lie in a map; who sent one is called directly.
 *
 * The rules of AMQP that it keeps: a delivery takes one credit of its link and gets the session's next number when its first
 * frame goes; each frame takes one of the window that the other side last told, and what finds it closed waits; frames of
 * one delivery are not mixed with another's. A run of deliveries that were accepted is answered by one frame.
 */
import { message as outcomes } from 'rhea';
import { AmqpWriter } from '../message/encode';
import { AcceptedRun } from './accepted-run';
import type { FrameOutput } from './frame-output';
import { openTransfer, TRANSFER_BYTES } from './frames';
import { disposition } from './rhea-values';
import type { DeliveryState, RheaLink, RheaSession } from './rhea-seam';

/** Who is told what the other side decides about deliveries. */
export interface Recipient {
  /** It has an outcome, to be answered with accept or reject. One that is settled without an outcome is not told. */
  decided(delivery: SentDelivery, state: DeliveryState): void;
}

/** A delivery that was sent, or waits until it may be. */
export class SentDelivery {
  readonly link: RheaLink;
  readonly tag: Buffer;
  /** Left out: it is settled when it is sent. */
  readonly recipient: Recipient | undefined;
  /** The lock under which the message goes, for its recipient. */
  readonly lockToken: string;
  id = -1;
  /** The other side has settled it: nothing that is said about it would be heard. */
  isSettled = false;

  constructor(link: RheaLink, tag: Buffer, lockToken = '', recipient?: Recipient) {
    this.link = link;
    this.tag = tag;
    this.lockToken = lockToken;
    this.recipient = recipient;
  }
}

/** A message to send. */
export interface Payload {
  /** How many bytes it has at most. */
  readonly mostBytes: number;
  write(writer: AmqpWriter): void;
}

interface Waiting {
  readonly delivery: SentDelivery;
  readonly bytes: Buffer;
  /** How many of them have gone. */
  sent: number;
}

interface FlowFields {
  readonly next_incoming_id: number | undefined;
  readonly incoming_window: number;
}

interface DispositionFields {
  readonly first: number;
  readonly last: number | null | undefined;
  readonly settled: boolean | undefined;
  readonly state: unknown;
}

/** What {@link SessionSender} is to rhea: its names and what it calls. */
interface RheaOutgoing {
  readonly window: number;
  readonly next_transfer_id: number;
  readonly deliveries: { available(): number };
  available(): number;
  on_flow(fields: FlowFields): void;
  on_disposition(fields: DispositionFields): void;
  process(): void;
}

const unwrapOutcome = (outcomes as unknown as { unwrap_outcome: (state: unknown) => DeliveryState }).unwrap_outcome;

export class SessionSender implements RheaOutgoing {
  /** This side takes as many frames as come. */
  readonly window = 0xffff_ffff;
  next_transfer_id = 0;
  readonly #session: RheaSession;
  readonly #output: FrameOutput;
  readonly #unsettled = new Map<number, SentDelivery>();
  readonly #accepted: AcceptedRun;
  readonly #taken: AcceptedRun;
  readonly #mostPayload: number;
  #waiting: Waiting[] = [];
  #nextId = 0;
  #remoteWindow: number;
  #remoteNextId = 0;

  /** @param remoteWindow the window that the other side began the session with */
  constructor(session: RheaSession, output: FrameOutput, remoteWindow: number) {
    this.#session = session;
    this.#output = output;
    this.#accepted = new AcceptedRun(output, session.local.channel, false);
    this.#taken = new AcceptedRun(output, session.local.channel, true);
    this.#remoteWindow = remoteWindow;
    this.#mostPayload = (session.connection.max_frame_size ?? Infinity) - TRANSFER_BYTES;
  }

  // -- sending --------------------------------------------------------------------------------------------------------

  send(delivery: SentDelivery, payload: Payload): void {
    if (this.#waiting.length === 0 && payload.mostBytes <= this.#mostPayload && this.#mayBegin(delivery)) {
      this.#begin(delivery);
      const { writer } = this.#output;
      const frame = this.#open(writer, delivery, false);
      payload.write(writer);
      writer.closeFrame(frame);
      this.#output.written();
    } else {
      const writer = new AmqpWriter(payload.mostBytes);
      payload.write(writer);
      this.#waiting.push({ delivery, bytes: writer.take(), sent: 0 });
    }
    this.#session.connection._register();
  }

  get #windowLeft(): number {
    return this.#remoteWindow - ((this.next_transfer_id - this.#remoteNextId) | 0);
  }

  #mayBegin({ link }: SentDelivery): boolean {
    // Nothing goes over a link before the answer to its attach.
    return link.credit > 0 && link.state.open_requests === 0 && this.#windowLeft > 0;
  }

  #begin(delivery: SentDelivery): void {
    delivery.link.credit--;
    delivery.link.delivery_count++;
    delivery.id = this.#nextId;
    this.#nextId = (this.#nextId + 1) >>> 0;
    if (delivery.recipient !== undefined) this.#unsettled.set(delivery.id, delivery);
  }

  #open(writer: AmqpWriter, { link, id, tag, recipient }: SentDelivery, more: boolean): number {
    this.next_transfer_id = (this.next_transfer_id + 1) >>> 0;
    const { handle } = link.local;
    return openTransfer(writer, this.#session.local.channel, {
      handle,
      id,
      tag,
      settled: recipient === undefined,
      more,
    });
  }

  /** Sends what has waited as far as it may go now. */
  #sendWaiting(): void {
    const kept = this.#waiting.filter((waiting) => !this.#sendRest(waiting));
    if (kept.some(({ delivery }) => delivery.link.state.open_requests > 0)) this.#session.connection._register();
    this.#waiting = kept;
  }

  /** Whether it is out. */
  #sendRest(waiting: Waiting): boolean {
    const { delivery, bytes } = waiting;
    if (waiting.sent === 0) {
      if (!this.#mayBegin(delivery)) return false;
      this.#begin(delivery);
    }
    const most = this.#mostPayload;
    while (waiting.sent < bytes.length && this.#windowLeft > 0) {
      const part = bytes.subarray(waiting.sent, waiting.sent + most);
      waiting.sent += part.length;
      const { writer } = this.#output;
      const frame = this.#open(writer, delivery, waiting.sent < bytes.length);
      writer.raw(part);
      writer.closeFrame(frame);
      this.#output.written();
    }
    return waiting.sent === bytes.length;
  }

  /** How many deliveries of a link wait. */
  waitingOn(link: RheaLink): number {
    if (this.#waiting.length === 0) return 0;
    return this.#waiting.filter(({ delivery, sent }) => delivery.link === link && sent === 0).length;
  }

  /** Takes deliveries of a link back of which nothing has gone out, and that are not settled by being sent. */
  takeBack(link: RheaLink): SentDelivery[] {
    const isTaken = ({ delivery, sent }: Waiting): boolean =>
      delivery.link === link && sent === 0 && delivery.recipient !== undefined;
    const taken = this.#waiting.filter(isTaken);
    if (taken.length > 0) this.#waiting = this.#waiting.filter((waiting) => !isTaken(waiting));
    return taken.map(({ delivery }) => delivery);
  }

  // -- settling -------------------------------------------------------------------------------------------------------

  /** Settles it: the other side's outcome has been followed. */
  accept(delivery: SentDelivery): void {
    if (delivery.isSettled) return;
    this.#accepted.add(delivery.id);
    this.#session.connection._register();
  }

  /** Settles it: the other side's outcome could not be followed. */
  reject(delivery: SentDelivery, outcome: unknown): void {
    if (delivery.isSettled) return;
    this.#session.output(disposition(false, delivery.id, outcome));
    this.#session.connection._register();
  }

  /** Tells that a delivery which came is settled as accepted. */
  acceptTaken(id: number): void {
    this.#taken.add(id);
    this.#session.connection._register();
  }

  // -- what rhea calls ------------------------------------------------------------------------------------------------

  /** By this rhea decides whether to tell that there is room to send, which nobody here waits for. */
  available(): number {
    return 0;
  }

  get deliveries(): this {
    return this;
  }

  on_flow(fields: FlowFields): void {
    this.#remoteNextId = fields.next_incoming_id ?? 0;
    this.#remoteWindow = fields.incoming_window;
  }

  on_disposition(fields: DispositionFields): void {
    const { first, last, settled, state } = fields;
    const end = last ?? first;
    const outcome = state === undefined || state === null ? undefined : unwrapOutcome(state);
    const decide = (delivery: SentDelivery | undefined): void => {
      if (delivery === undefined) return;
      delivery.isSettled = settled === true;
      const isDecided = outcome !== undefined && outcome.constructor.composite_type !== 'received';
      if (!isDecided && !delivery.isSettled) return;
      this.#unsettled.delete(delivery.id);
      if (isDecided) delivery.recipient?.decided(delivery, outcome);
    };
    if (end - first > this.#unsettled.size) {
      for (const [id, delivery] of [...this.#unsettled]) if (id >= first && id <= end) decide(delivery);
    } else for (let id = first; id <= end; id++) decide(this.#unsettled.get(id));
  }

  process(): void {
    if (this.#waiting.length > 0) this.#sendWaiting();
    this.#accepted.tell();
    this.#taken.tell();
    this.#output.flush();
  }
}
