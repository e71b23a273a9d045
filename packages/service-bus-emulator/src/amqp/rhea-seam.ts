/**
 * All that reaches into rhea stands here: what its types leave out, and where a broker needs something else from it
 * than a client library's default. Pinned to rhea 3.0.5; each piece says what it changes.
 *
 * - *Bodies stay bytes.* rhea decodes every message of format 0 before it hands it over. The format is taken off the
 *   transfer on its way in, and rhea then gives the bytes.
 * - *No ring of deliveries.* rhea keeps what it sent in a ring of 2,048 that one old, unsettled delivery blocks. A
 *   map takes its place, from which each delivery goes when it is settled.
 * - *Messages that are too large are not gathered.* Their bytes are dropped as they come.
 * - *An attach can be answered later*: a receiver that asks for the next free session waits for one.
 * - *Outcomes are not mixed up*, see {@link settle}.
 * - *One write a turn.* rhea writes each frame by itself; the socket is corked while it writes.
 */
import type { Duplex } from 'node:stream';
import { type Connection, type Container, types } from 'rhea';

/** A delivery as rhea keeps it; those that came have no `data`. */
export interface RheaDelivery {
  readonly id: number;
  readonly link: RheaLink;
  readonly tag: Buffer;
  settled: boolean;
  remote_settled: boolean;
  remote_state?: { value: unknown[]; constructor: { composite_type?: string } } | undefined;
  readonly data?: readonly Buffer[];
  next_to_send: number;
  update(settled: boolean, state?: unknown): void;
}

interface Terminus {
  readonly address?: string | null;
  readonly filter?: Record<string, unknown>;
}

/** The fields of an error that closes a link or refuses a delivery. */
export interface AmqpErrorFields {
  readonly condition: string;
  readonly description: string;
  readonly info?: Record<string, unknown>;
}

/** A link; `source`, `target`, `properties` and the settle modes are what the other side attached with. */
export interface RheaLink {
  readonly name: string;
  readonly connection: RheaConnection;
  readonly session: RheaSession;
  readonly source: Terminus | null | undefined;
  readonly target: Terminus | null | undefined;
  readonly snd_settle_mode: number | undefined;
  readonly rcv_settle_mode: number | undefined;
  readonly properties: Record<string, unknown> | undefined;
  readonly local: { readonly attach: Record<string, unknown> };
  readonly state: { open_requests: number };
  credit: number;
  delivery_count: number;
  readonly _draining: boolean;
  _get_drain(): boolean;
  set_source(fields: object): void;
  set_target(fields: object): void;
  set_drained(drained: boolean): void;
  send(message: Buffer, tag: Buffer | undefined, format: number): RheaDelivery;
  close(error?: AmqpErrorFields): void;
  is_open(): boolean;
  is_receiver(): boolean;
  on(event: string, listener: (context: RheaContext) => void): void;
}

interface Transfer {
  readonly channel: number;
  payload?: Buffer;
  readonly performative: {
    readonly handle: number;
    readonly message_format: number | undefined;
    readonly more: boolean | undefined;
    readonly value: unknown[];
  };
}

interface Deliveries {
  available(): number;
  push(delivery: RheaDelivery): void;
  by_id(id: number): RheaDelivery | undefined;
  pop_if(settled: (delivery: RheaDelivery) => boolean): number;
}

interface Outgoing {
  deliveries: Deliveries;
  next_delivery_id: number;
  next_pending_delivery: number;
}

export interface RheaSession {
  readonly outgoing: Outgoing;
  readonly remote: { readonly handles: Record<number, RheaLink | undefined> };
  output(frame: unknown): void;
}

export interface RheaConnection {
  readonly remote_channel_map: Record<number, RheaSession | undefined>;
  readonly transport: { write(socket: Duplex): void };
  accept(socket: Duplex): void;
  close(error?: AmqpErrorFields): void;
  is_closed(): boolean;
  output(): void;
  _register(): void;
  on_transfer(frame: Transfer): void;
  on(event: string, listener: (context: RheaContext) => void): void;
}

export interface RheaContext {
  readonly connection: RheaConnection;
  readonly session: RheaSession;
  /** The link over which the other side receives. */
  readonly sender: RheaLink;
  /** The link over which the other side sends. */
  readonly receiver: RheaLink;
  readonly message: Buffer;
  readonly delivery: RheaDelivery & { readonly format: number | undefined };
  readonly error?: { readonly condition?: string; readonly description?: string } | undefined;
}

/** Deliveries that are not settled yet, by id; see the essay above. */
class OpenDeliveries implements Deliveries {
  readonly #byId = new Map<number, RheaDelivery>();
  readonly #sentSettled: RheaDelivery[] = [];
  readonly available = (): number => 0x7fff_ffff;

  push(delivery: RheaDelivery): void {
    this.#byId.set(delivery.id, delivery);
  }

  by_id(id: number): RheaDelivery | undefined {
    return this.#byId.get(id);
  }

  /** rhea asks after each turn. Deliveries leave when they are settled, so only those that were sent settled are left. */
  pop_if(isDone: (delivery: RheaDelivery) => boolean): number {
    let done = 0;
    for (let next = this.#sentSettled[done]; next !== undefined && isDone(next); next = this.#sentSettled[done]) {
      this.#byId.delete(next.id);
      done++;
    }
    if (done > 0) this.#sentSettled.splice(0, done);
    return done;
  }

  /** It goes out settled: nobody will settle it. */
  addSettled(delivery: RheaDelivery): void {
    this.#sentSettled.push(delivery);
  }

  remove(delivery: RheaDelivery): void {
    this.#byId.delete(delivery.id);
  }
}

/** Prepares a session that was just begun. */
export function adoptSession(session: RheaSession): void {
  session.outgoing.deliveries = new OpenDeliveries();
}

/**
 * Settles a delivery, of either direction, with an outcome. rhea gathers what it has to tell of a turn and takes a second
 * delivery's outcome to be the first's: so only accepted ones are left to it, any other is told in a frame of its own.
 */
export function settle(delivery: RheaDelivery, outcome: unknown): void {
  if (outcome === ACCEPTED || delivery.remote_settled) {
    delivery.update(true, outcome);
    return;
  }
  delivery.settled = true;
  const { link, id } = delivery;
  const role = types.wrap_boolean(link.is_receiver());
  const fields = [role, types.wrap_uint(id), types.wrap_uint(id), true, outcome];
  link.session.output(described(DISPOSITION, fields));
  link.connection._register();
}

/** Settles a delivery that was sent, and forgets it. */
export function settleSent(delivery: RheaDelivery, outcome: unknown): void {
  settle(delivery, outcome);
  delivery.remote_settled = true;
  forget(delivery);
}

/** Sends bytes on a link whose deliveries are settled when they are sent. */
export function sendSettled(link: RheaLink, bytes: Buffer, tag?: Buffer): void {
  const delivery = link.send(bytes, tag, 0);
  delivery.settled = true;
  const { deliveries } = link.session.outgoing;
  if (deliveries instanceof OpenDeliveries) deliveries.addSettled(delivery);
}

/** Forgets a delivery that the other side has settled, or that is not to be sent. */
export function forget(delivery: RheaDelivery): void {
  const { deliveries } = delivery.link.session.outgoing;
  if (deliveries instanceof OpenDeliveries) deliveries.remove(delivery);
}

/** How many deliveries wait on a link for the other side's window. */
export function unsentOn(link: RheaLink): number {
  const { outgoing } = link.session;
  if (outgoing.next_pending_delivery === outgoing.next_delivery_id) return 0;
  let count = 0;
  for (let id = outgoing.next_pending_delivery; id < outgoing.next_delivery_id; id++) {
    if (outgoing.deliveries.by_id(id)?.link === link) count++;
  }
  return count;
}

/** Takes deliveries of a link back of which no byte has gone out, if they may be; those behind them move up. */
export function takeBackUnsent(link: RheaLink, may: (delivery: RheaDelivery) => boolean): RheaDelivery[] {
  const { outgoing } = link.session;
  const taken: RheaDelivery[] = [];
  let next = outgoing.next_pending_delivery;
  for (let id = next; id < outgoing.next_delivery_id; id++) {
    const delivery = outgoing.deliveries.by_id(id);
    if (delivery === undefined) continue;
    forget(delivery);
    if (delivery.link === link && delivery.next_to_send === 0 && may(delivery)) {
      taken.push(delivery);
      continue;
    }
    (delivery as { id: number }).id = next++;
    outgoing.deliveries.push(delivery);
  }
  outgoing.next_delivery_id = next;
  return taken;
}

/**
 * Tells a client that asked for what is left on its credit that there is nothing more: in a flow that says so also where
 * no credit was left, which rhea does not, so that a client that has just used up its credit would wait for an answer.
 */
export function tellDrained(link: RheaLink): void {
  link._get_drain = () => {
    if (!link._draining) return false;
    link.delivery_count += link.credit;
    link.credit = 0;
    return true;
  };
  link.set_drained(true);
}

/** Keeps the answer to an attach back. Call it within the link's `sender_open`. */
export function holdAttach(link: RheaLink): void {
  link.state.open_requests--;
}

/** Lets the answer to an attach go that was held. */
export function answerAttach(link: RheaLink): void {
  link.state.open_requests++;
  link.connection._register();
}

/** Bytes that came so far of a message of several frames, by the link on which it comes. */
const gathered = new WeakMap<RheaLink, number>();
const cutShort = new WeakSet<RheaLink>();

function limitSize(connection: RheaConnection, frame: Transfer, limit: number): void {
  const link = connection.remote_channel_map[frame.channel]?.remote.handles[frame.performative.handle];
  if (link === undefined || frame.payload === undefined) return;
  const size = (gathered.get(link) ?? 0) + frame.payload.length;
  if (frame.performative.more) gathered.set(link, size);
  else gathered.delete(link);
  if (size <= limit) return;
  frame.payload = frame.payload.subarray(0, 0);
  cutShort.add(link);
}

/** Whether the message that was just handed over on a link lacks what was beyond the limit. */
export const wasCutShort = (link: RheaLink): boolean => cutShort.delete(link);

/** The place of the message format in a transfer's list of fields. */
const FORMAT_FIELD = 3;

/**
 * Takes a socket in.
 * @param limit bytes of a message after which the rest of it is dropped; what is handed over is then shorter than it
 */
export function acceptSocket(container: Container, socket: Duplex, options: object, limit: number): RheaConnection {
  const connection = container.create_connection(options as never) as unknown as RheaConnection & Connection;
  const onTransfer = connection.on_transfer.bind(connection);
  connection.on_transfer = (frame) => {
    if (frame.performative.message_format === 0) frame.performative.value[FORMAT_FIELD] = undefined;
    limitSize(connection, frame, limit);
    onTransfer(frame);
  };
  const process = (connection as unknown as { _process(): void })._process.bind(connection);
  (connection as unknown as { _process(): void })._process = () => {
    socket.cork();
    try {
      process();
    } finally {
      socket.uncork();
    }
  };
  connection.accept(socket);
  endWithSocket(connection as unknown as { eof(): void }, socket);
  return connection;
}

/** A socket that is destroyed on this side closes without `end` or `error`, and by those alone rhea stops its timers. */
function endWithSocket(connection: { eof(): void }, socket: Duplex): void {
  let isTold = false;
  const tell = (): void => {
    isTold = true;
  };
  socket.once('end', tell).once('error', tell);
  socket.once('close', () => {
    if (!isTold) connection.eof();
  });
}

const described = (code: number, fields: readonly unknown[] = []): unknown =>
  types.wrap_described([...fields] as never, code);

const DISPOSITION = 0x15;

/** Outcomes, made once: rhea tells a run of accepted deliveries in one frame. */
export const ACCEPTED: unknown = described(0x24);

export const rejected = (error: AmqpErrorFields): unknown =>
  described(0x25, [(types as unknown as { wrap_error(fields: object): unknown }).wrap_error(error)]);
