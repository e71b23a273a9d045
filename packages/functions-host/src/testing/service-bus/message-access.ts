import { randomUUID } from 'node:crypto';
import { message as amqpMessage } from 'rhea';
import { type Broker, splitMessage, type StoredMessage } from 'service-bus-emulator';
import { toMilliseconds } from '../duration';
import type { SendMessageOptions, TestBusMessage, TestMessages } from '../test-messages';

const all = Number.MAX_SAFE_INTEGER;
const deadLetterEnding = '/$DeadLetterQueue';

/** What tests do with the messages of an emulator. */
export function accessMessages(broker: Broker, now: () => number): TestMessages {
  const list = (address: string): TestBusMessage[] => broker.peek(address, 1, all).map(toTestMessage);
  return {
    async send(address, body, options = {}) {
      const { bytes, isJson } = toBytes(body);
      const { timeToLive, deliverIn, partitionKey } = options;
      const split = splitMessage(encode(bytes, isJson, options));
      const delayMs = deliverIn === undefined ? undefined : toMilliseconds(deliverIn, 'deliverIn');
      const [sequenceNumber = 0] = broker.send(address, [
        {
          ...split,
          ...(partitionKey !== undefined && { partitionKey }),
          ...(timeToLive !== undefined && { timeToLiveMs: toMilliseconds(timeToLive, 'timeToLive') }),
          ...(delayMs !== undefined && { scheduledAt: now() + delayMs }),
        },
      ]);
      return sequenceNumber;
    },
    async peek(address) {
      return list(address).find(({ state }) => state === 'active');
    },
    list: async (address) => list(address),
    deadLetters: async (address) => list(`${address}${deadLetterEnding}`),
    async counts(address) {
      const { active, deferred, scheduled, deadLetter } = countsOf(broker, address);
      return { active, deferred, scheduled, deadLetters: deadLetter };
    },
    clear: async (address) => broker.purge(address),
  };
}

/** Messages that wait for their time, with the place that each is sent to. */
export function scheduledMessages(broker: Broker): { readonly address: string; readonly message: StoredMessage }[] {
  const addresses = [
    ...broker.queues.filter(({ counts }) => counts.scheduled > 0),
    ...broker.topics.filter(({ scheduled }) => scheduled > 0),
  ].map(({ name }) => name);
  return addresses.flatMap((address) =>
    broker
      .peek(address, 1, all)
      .filter(({ state }) => state === 'scheduled')
      .map((message) => ({ address, message })),
  );
}

function countsOf(broker: Broker, address: string) {
  const [, topic, name] = /^(.+)\/subscriptions\/([^/]+)$/i.exec(address) ?? [];
  const isSubscription = topic !== undefined && name !== undefined;
  const view = isSubscription ? broker.getSubscription(topic, name) : broker.getQueue(address);
  if (view !== undefined) return view.counts;
  throw new Error(
    `messages.counts: expected a queue, or a subscription as topic/Subscriptions/name; there is no ${address}.`,
  );
}

function toBytes(body: unknown): { readonly bytes: Buffer; readonly isJson: boolean } {
  if (body instanceof Uint8Array) return { bytes: Buffer.from(body), isJson: false };
  if (typeof body === 'string') return { bytes: Buffer.from(body), isJson: false };
  const text = JSON.stringify(body) as string | undefined;
  if (text !== undefined) return { bytes: Buffer.from(text), isJson: true };
  throw new TypeError(`A message's body must be a text, bytes or something that JSON can write; got ${typeof body}.`);
}

function encode(bytes: Buffer, isJson: boolean, options: SendMessageOptions): Buffer {
  const { contentType = isJson ? 'application/json' : undefined } = options;
  const fields: Readonly<Record<string, unknown>> = {
    message_id: options.messageId ?? randomUUID(),
    to: options.to,
    subject: options.subject,
    reply_to: options.replyTo,
    correlation_id: options.correlationId,
    content_type: contentType,
    group_id: options.sessionId,
    reply_to_group_id: options.replyToSessionId,
    application_properties: options.applicationProperties,
    body: amqpMessage.data_section(bytes) as unknown,
  };
  return amqpMessage.encode(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)));
}

/** What a message's content is decoded to, as far as it is shown. */
interface Decoded {
  readonly body?: unknown;
  readonly application_properties?: Readonly<Record<string, unknown>>;
  readonly correlation_id?: unknown;
  readonly subject?: string;
  readonly content_type?: string;
  readonly to?: string;
  readonly reply_to?: string;
}

function toTestMessage(stored: StoredMessage): TestBusMessage {
  const decoded = amqpMessage.decode(stored.content) as Decoded;
  const bytes = toBodyBytes(decoded.body);
  const text = bytes.toString();
  const applicationProperties = decoded.application_properties ?? {};
  const { state, scheduledAt, expiresAt } = stored;
  return {
    messageId: stored.messageId,
    sequenceNumber: stored.sequenceNumber,
    ...{ bytes, text, json: parse(text), state, applicationProperties },
    sessionId: stored.sessionId,
    correlationId: textOf(decoded.correlation_id),
    subject: decoded.subject,
    contentType: decoded.content_type,
    to: decoded.to,
    replyTo: decoded.reply_to,
    isLocked: stored.lockToken !== undefined,
    deliveryCount: stored.deliveryCount,
    enqueuedAt: new Date(stored.enqueuedAt),
    scheduledAt: state === 'scheduled' && scheduledAt !== undefined ? new Date(scheduledAt) : undefined,
    expiresAt: Number.isFinite(expiresAt) ? new Date(expiresAt) : undefined,
    deadLetterReason: textOf(applicationProperties['DeadLetterReason']),
    deadLetterErrorDescription: textOf(applicationProperties['DeadLetterErrorDescription']),
  };
}

/** Data sections are bytes, one or many; anything else is a value. */
function toBodyBytes(body: unknown): Buffer {
  const { typecode, content } = (body ?? {}) as { readonly typecode?: number; readonly content?: unknown };
  if (typecode !== 0x75) return Buffer.from((JSON.stringify(body) as string | undefined) ?? '');
  return Buffer.isBuffer(content) ? content : Buffer.concat(content as Buffer[]);
}

/** Ids can be numbers, too. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
