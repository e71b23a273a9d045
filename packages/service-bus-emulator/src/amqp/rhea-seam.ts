/**
 * All that reaches into rhea stands here: what its types leave out, and where a broker needs something else from it
 * than a client library's default. Pinned to rhea 3.0.5; each piece says what it changes.
 *
 * - *Bodies stay bytes.* rhea decodes every message of format 0 before it hands it over. The format is taken off the
 *   transfer on its way in, and rhea then gives the bytes.
 * - *A sending half of its own* for each session, see session-sender.ts.
 * - *Messages that are too large are not gathered.* Their bytes are dropped as they come.
 * - *An attach can be answered later*: a receiver that asks for the next free session waits for one.
 * - *Outcomes are not mixed up*, see {@link settle}.
 * - *One write a turn.* rhea writes each frame by itself; the socket is corked while it writes.
 */
import type { Duplex } from 'node:stream';
import type { Connection, Container } from 'rhea';
import { FrameOutput } from './frame-output';
import { ACCEPTED, type AmqpErrorFields, disposition } from './rhea-values';
import { SessionSender } from './session-sender';

/** A delivery that came, as rhea keeps it. */
export interface RheaDelivery {
  readonly id: number;
  readonly link: RheaLink;
  readonly tag: Buffer;
  readonly format: number | undefined;
  settled: boolean;
  readonly remote_settled: boolean;
}

/** What the other side says of a delivery, as rhea decodes it. */
export interface DeliveryState {
  readonly value: readonly unknown[];
  readonly constructor: { readonly composite_type?: string };
}

interface Terminus {
  readonly address?: string | null;
  readonly filter?: Record<string, unknown>;
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
  readonly local: { readonly handle: number; readonly attach: Record<string, unknown> };
  readonly state: { open_requests: number };
  credit: number;
  delivery_count: number;
  readonly _draining: boolean;
  _get_drain(): boolean;
  set_source(fields: object): void;
  set_target(fields: object): void;
  set_drained(drained: boolean): void;
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

export interface RheaSession {
  outgoing: SessionSender;
  readonly connection: RheaConnection;
  readonly local: { readonly channel: number };
  readonly remote: {
    readonly begin: { readonly incoming_window: number };
    readonly handles: Record<number, RheaLink | undefined>;
  };
  output(frame: unknown): void;
}

export interface RheaConnection {
  readonly remote_channel_map: Record<number, RheaSession | undefined>;
  /** What the other side takes at most in one frame. */
  readonly max_frame_size: number | undefined;
  accept(socket: Duplex): void;
  close(error?: AmqpErrorFields): void;
  is_closed(): boolean;
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
  readonly delivery: RheaDelivery;
  readonly error?: { readonly condition?: string; readonly description?: string } | undefined;
}

/**
 * Settles a delivery that came, with an outcome. Not by rhea, which gathers what it has to tell of a turn and takes a second
 * delivery's outcome to be the first's.
 */
export function settle(delivery: RheaDelivery, outcome: unknown): void {
  const { link, id } = delivery;
  delivery.settled = true;
  link.connection._register();
  if (delivery.remote_settled) return;
  if (outcome === ACCEPTED) senderOf(link).acceptTaken(id);
  else link.session.output(disposition(true, id, outcome));
}

/** The sending half of a link's session. */
export const senderOf = (link: RheaLink): SessionSender => link.session.outgoing;

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
  const output = new FrameOutput(socket);
  connection.on('session_open', ({ session }: { session: RheaSession }) => {
    session.outgoing = new SessionSender(session, output, session.remote.begin.incoming_window);
  });
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
