import { message as amqp, types } from 'rhea';
import type { Client, FrontOptions, OpenLink } from './client';
import { wordingOf } from './errors';
import { type RheaLink, senderOf, settle } from './rhea-seam';
import { ACCEPTED } from './rhea-values';
import { SentDelivery } from './session-sender';
import { whenDurable } from './send-link';

/** A request as it came over a link to `$cbs` or `$management`. */
export interface Request {
  /** Lower case, without a vendor's prefix. */
  readonly operation: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** The whole request as it came, in which values have the types that the client gave them. */
  readonly bytes: Buffer;
}

/** What is answered to a request that is met; the status is 200 if nothing else is said. */
export interface Response {
  readonly status?: number;
  readonly description?: string;
  readonly body?: unknown;
}

/** Throws BrokerError or RequestError for what is answered with an error. */
export type Handler = (request: Request) => Response;

interface RequestMessage {
  readonly message_id?: unknown;
  readonly correlation_id?: unknown;
  readonly reply_to?: string | null | undefined;
  readonly application_properties?: Record<string, unknown>;
  readonly body?: unknown;
}

const VENDOR = 'com.microsoft:';

function answer(request: RequestMessage, response: Response & { readonly condition?: string }): Buffer {
  const status = types.wrap_int(response.status ?? 200);
  const description = response.description ?? (response.condition === undefined ? 'OK' : 'Error');
  const properties: Record<string, unknown> = {
    statusCode: status,
    statusDescription: description,
    // The names of the claims-based security draft: by these .NET's client and Python's older one read what $cbs answers.
    'status-code': status,
    'status-description': description,
  };
  if (response.condition !== undefined) properties['errorCondition'] = types.wrap_symbol(response.condition);
  const tracking = request.application_properties?.['com.microsoft:tracking-id'];
  if (typeof tracking === 'string') properties['com.microsoft:tracking-id'] = tracking;
  return amqp.encode({
    correlation_id: request.message_id ?? request.correlation_id,
    application_properties: properties,
    body: response.body ?? null,
  });
}

/** Takes the requests of a link and answers them over the one that they name in `reply-to`. */
export function openRequestLink(
  options: FrontOptions,
  client: Client,
  link: RheaLink,
  address: string,
  handle: Handler,
): void {
  link.set_source(link.source ?? {});
  link.set_target({ address });
  const open: OpenLink = { address, link, ended: () => undefined };
  client.addLink(open);
  let answers = 0;
  link.on('message', ({ message, delivery }) => {
    settle(delivery, ACCEPTED);
    const request = amqp.decode(message) as unknown as RequestMessage;
    const reply = (response: Response & { condition?: string }): void => {
      const replyLink = client.replyLink(request.reply_to, address, link.session);
      if (replyLink?.is_open() === true) {
        const bytes = answer(request, response);
        const delivery = new SentDelivery(replyLink, Buffer.from(String(answers++)));
        senderOf(replyLink).send(delivery, { mostBytes: bytes.length, write: (writer) => writer.raw(bytes) });
      } else {
        options.log?.log(
          'Warning',
          `A request to "${address}" cannot be answered: no link of its connection is named "${request.reply_to ?? ''}".`,
        );
      }
    };
    const fail = (error: unknown): void => {
      const { status, condition, description, isFault } = wordingOf(error);
      if (isFault) options.log?.log('Error', `A request to "${address}" failed: ${description}`);
      reply({ status, condition, description });
    };
    try {
      const properties = request.application_properties ?? {};
      const named = properties['operation'];
      const operation = typeof named === 'string' ? named.toLowerCase() : '';
      const response = handle({
        operation: operation.startsWith(VENDOR) ? operation.slice(VENDOR.length) : operation,
        properties,
        body: request.body,
        bytes: message,
      });
      whenDurable(options.broker, () => reply(response), fail);
    } catch (error) {
      fail(error);
    }
  });
  link.on('receiver_close', () => client.removeLink(open));
}

/** Over which a client gets the answers to its requests. */
export function openReplyLink(client: Client, link: RheaLink, address: string): void {
  link.set_source({ address });
  link.set_target(link.target ?? {});
  // Answers are sent settled: nobody waits for a client's thanks.
  link.local.attach['snd_settle_mode'] = 1;
  client.addReplyLink(link);
  link.on('sender_close', () => client.removeReplyLink(link));
}
