/**
 * The front of the broker: AMQP 1.0 as Service Bus speaks it. It knows connections, links, credit and settlement; what
 * happens to a message is the broker's to decide.
 *
 * A client opens a connection, shows tokens on `$cbs`, and attaches links: to an entity to send, from an entity (or a
 * session of one) to receive, and pairs of links to `<entity>/$management` for requests. Each link is made for one
 * address; what a client may not do, or what is not there, is answered by attaching the link and closing it at once with
 * an error, which is how AMQP says no to an attach.
 */
import { randomUUID } from 'node:crypto';
import rhea from 'rhea';
import type { AcceptAmqp } from '../amqp-port';
import { cbsHandler } from './cbs';
import { type About, CBS, Client, type FrontOptions } from './client';
import { amqpError, RequestError, wordingOf } from './errors';
import { managementHandler } from './management';
import { openReceiveLink } from './receive-link';
import { openReplyLink, openRequestLink } from './request-link';
import { acceptSocket, type RheaConnection, type RheaContext, type RheaLink } from './rhea-seam';
import { DEFAULT_MAX_MESSAGE_BYTES, openSendLink } from './send-link';

export interface AmqpFront {
  /** Takes a connection in, whatever carries its bytes. */
  readonly accept: AcceptAmqp;
  /** Connections that are open. */
  readonly connections: number;
  /** Tells every client that the connection ends, and waits until they have heard it or a second has passed. */
  close(): Promise<void>;
}

const MAX_FRAME_BYTES = 65_536;
/** Sessions of one connection. */
const CHANNEL_MAX = 4_999;
/** A client that says nothing for twice as long is gone. */
const IDLE_TIMEOUT_MS = 120_000;
const LINK_CREDIT = 1_000;
const CLOSING_MS = 1_000;
const CLOSING_STEP_MS = 5;

const MANAGEMENT = /(?:^|\/)\$management$/i;

/** `amqps://host/Orders/` -> `Orders`: clients write an address as a path or as a URL. */
const toPath = (address: string): string => address.replace(/^[a-z][\w+.-]*:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');

function openSaslContainer(): rhea.Container {
  const container = rhea.create_container({ id: `service-bus-emulator-${randomUUID()}` });
  const mechanisms = container.sasl_server_mechanisms as Record<string, unknown> & {
    enable_anonymous(): void;
    enable_plain(check: () => boolean): void;
  };
  mechanisms.enable_anonymous();
  // Who a client is, its token says ($cbs); the mechanisms only have to let it come that far.
  mechanisms.enable_plain(() => true);
  mechanisms['MSSBCBS'] = () => ({ outcome: true, start: () => undefined });
  return container;
}

/** Opens a front on a broker; whoever listens hands it the sockets. */
export function createAmqpFront(options: FrontOptions): AmqpFront {
  const container = openSaslContainer();
  const clients = new Map<RheaConnection, Client>();
  const log = (level: 'Debug' | 'Information' | 'Warning' | 'Error', text: string): void =>
    options.log?.log(level, text);

  const open = (link: RheaLink, client: Client, attach: () => void): void => {
    try {
      attach();
    } catch (error) {
      const { isFault, description } = wordingOf(error);
      log(isFault ? 'Error' : 'Information', `A link of ${client.about.remoteAddress} was refused: ${description}`);
      link.close(amqpError(error));
    }
  };

  const pathOf = (link: RheaLink, address: string | null | undefined, what: string): string => {
    if (address) return toPath(address);
    throw new RequestError(
      'amqp:not-implemented',
      501,
      `expected the ${what} of link "${link.name}" to name a queue, topic or subscription, got none (transactions are not supported)`,
    );
  };

  /**
   * Of a connection too many: Microsoft's client hears why from its first link, while one that is closed before that
   * leaves it waiting for a minute.
   */
  const refuse = (connection: RheaConnection, link: RheaLink): void => {
    const description = `${options.quotas?.maxConnections} connections are open, the most that is allowed`;
    link.close({ condition: 'amqp:resource-limit-exceeded', description });
    connection.close({ condition: 'amqp:resource-limit-exceeded', description });
  };

  const onSenderOpen = ({ connection, sender }: RheaContext): void => {
    const client = clients.get(connection);
    if (client === undefined) {
      refuse(connection, sender);
      return;
    }
    open(sender, client, () => {
      const address = pathOf(sender, sender.source?.address, 'source');
      if (address === CBS || MANAGEMENT.test(address)) openReplyLink(client, sender, address);
      else openReceiveLink(options, client, sender, address);
    });
  };

  const onReceiverOpen = ({ connection, receiver }: RheaContext): void => {
    const client = clients.get(connection);
    if (client === undefined) {
      refuse(connection, receiver);
      return;
    }
    open(receiver, client, () => {
      const address = pathOf(receiver, receiver.target?.address, 'target');
      if (address === CBS) openRequestLink(options, client, receiver, address, cbsHandler(client));
      else if (MANAGEMENT.test(address)) {
        client.authorize(address.replace(MANAGEMENT, ''));
        openRequestLink(
          options,
          client,
          receiver,
          address,
          managementHandler(options, address.replace(MANAGEMENT, '')),
        );
      } else openSendLink(options, client, receiver, address);
    });
  };

  const onDisconnected = ({ connection, error }: RheaContext): void => {
    const client = clients.get(connection);
    if (client === undefined) return;
    clients.delete(connection);
    client.ended();
    const why = error?.description ?? (error as Error | undefined)?.message;
    log('Debug', `${client.about.remoteAddress} is gone${why === undefined ? '' : `: ${why}`}.`);
  };

  container.on('sender_open', onSenderOpen as never);
  container.on('receiver_open', onReceiverOpen as never);
  container.on('session_close', (({ connection, session }: RheaContext) =>
    clients.get(connection)?.endSession(session)) as never);
  container.on('connection_close', onDisconnected as never);
  container.on('disconnected', onDisconnected as never);
  for (const event of ['connection_error', 'session_error', 'sender_error', 'receiver_error']) {
    container.on(event, (() => undefined) as never);
  }
  for (const event of ['error', 'protocol_error']) {
    container.on(event, ((error: Error) => log('Warning', `A client broke off: ${error.message}`)) as never);
  }

  const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, maxBatchBytes = maxMessageBytes } = options.quotas ?? {};
  const connectionOptions = {
    container_id: container.id,
    max_frame_size: MAX_FRAME_BYTES,
    channel_max: CHANNEL_MAX,
    idle_time_out: IDLE_TIMEOUT_MS,
    tcp_no_delay: true,
    receiver_options: { autoaccept: false, autosettle: false, credit_window: LINK_CREDIT },
  };

  const accept = (socket: Parameters<AcceptAmqp>[0], about: About): void => {
    const most = options.quotas?.maxConnections ?? Infinity;
    const isOver = clients.size >= most;
    // What a message has beside its limit is told in full, so that a batch's envelope does not count.
    const limit = Math.max(maxMessageBytes, maxBatchBytes) + MAX_FRAME_BYTES;
    const connection = acceptSocket(container, socket, connectionOptions, limit);
    if (isOver) {
      log('Warning', `A connection of ${about.remoteAddress} was refused: ${most} are open, the most that is allowed.`);
      return;
    }
    clients.set(connection, new Client(options, connection, about));
  };

  const close = async (): Promise<void> => {
    for (const connection of clients.keys()) {
      connection.close({ condition: 'amqp:connection:forced', description: 'the emulator is stopped' });
    }
    // Real time: what is waited for is the network.
    for (let waited = 0; clients.size > 0 && waited < CLOSING_MS; waited += CLOSING_STEP_MS) {
      await new Promise((resolve) => setTimeout(resolve, CLOSING_STEP_MS));
    }
  };

  return {
    accept,
    get connections() {
      return clients.size;
    },
    close,
  };
}
