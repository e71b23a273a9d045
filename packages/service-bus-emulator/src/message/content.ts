/**
 * The AMQP message format, as far as a broker needs it. A message that came is split at its section boundaries: header
 * and annotations are the broker's business and are decoded; the rest (properties, application properties, body,
 * footer) is its *content*, kept as the bytes that came and sent on as they are, so that no body is ever decoded and
 * nothing that a sender wrote changes its type on the way. What filters and the administration ask for is decoded from
 * the content on demand; what actions and settlements change is written into a copy of it.
 *
 * Everything here works on bytes of strangers: each read is bounded, and what is not a message is a
 * {@link MessageFormatError} that says where.
 */
import { type AmqpValue, asText, eachItem, MessageFormatError, readValue } from './decode';
import { LONGEST_TTL, readSection, type Section, SECTION } from './sections';

/** A message as it came, taken apart. All Buffers are views of the bytes that came: copy what is kept. */
export interface SplitMessage {
  durable: boolean;
  priority: number | undefined;
  /** Milliseconds; undefined: no limit of its own. */
  timeToLiveMs: number | undefined;
  partitionKey: string | undefined;
  /** Milliseconds since the Unix epoch. */
  scheduledAt: number | undefined;
  /** Message annotations that the broker does not decide by, as encoded keys and values in turn; undefined: none. */
  annotations: Buffer | undefined;
  /** Text of the message id; undefined where the sender gave none. */
  messageId: string | undefined;
  sessionId: string | undefined;
  content: Buffer;
}

/** Places in the AMQP properties list. */
const MESSAGE_ID = 0;
const ABSOLUTE_EXPIRY = 8;
const CREATION = 9;
const GROUP_ID = 10;

const asNumber = (value: AmqpValue): number | undefined =>
  typeof value === 'number'
    ? value
    : value instanceof Date
      ? value.getTime()
      : typeof value === 'bigint'
        ? Number(value)
        : undefined;

function readHeader(bytes: Buffer, at: number, message: SplitMessage): void {
  eachItem(bytes, at, 'a list for the header', (index, from) => {
    if (index === 0) message.durable = readValue(bytes, from) === true;
    else if (index === 1) message.priority = asNumber(readValue(bytes, from));
    else if (index === 2) message.timeToLiveMs = asNumber(readValue(bytes, from));
  });
}

function readAnnotations(bytes: Buffer, at: number, message: SplitMessage): void {
  let key: AmqpValue = null;
  let keyAt = 0;
  const others: Buffer[] = [];
  eachItem(bytes, at, 'a map for the message annotations', (index, from, to) => {
    if (index % 2 === 0) {
      key = readValue(bytes, from);
      keyAt = from;
      return;
    }
    if (key === 'x-opt-partition-key') message.partitionKey = asText(readValue(bytes, from));
    else if (key === 'x-opt-scheduled-enqueue-time') message.scheduledAt = asNumber(readValue(bytes, from));
    else if (typeof key !== 'string' || !BROKERS_OWN.has(key)) others.push(bytes.subarray(keyAt, to));
  });
  if (others.length === 1) message.annotations = others[0];
  else if (others.length > 1) message.annotations = Buffer.concat(others);
}

/** Annotations that only a broker gives: a sender's are not kept (a received message that is sent again carries them). */
const BROKERS_OWN: ReadonlySet<string> = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueue-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-locked-until',
  'x-opt-message-state',
  'x-opt-deadletter-source',
]);

function readIds(bytes: Buffer, at: number, message: SplitMessage): void {
  let expiry: number | undefined;
  let creation: number | undefined;
  eachItem(bytes, at, 'a list for the properties', (index, from) => {
    if (index === MESSAGE_ID) message.messageId = asText(readValue(bytes, from));
    else if (index === GROUP_ID) message.sessionId = asText(readValue(bytes, from));
    else if (message.timeToLiveMs !== LONGEST_TTL) return;
    else if (index === ABSOLUTE_EXPIRY) expiry = asNumber(readValue(bytes, from));
    else if (index === CREATION) creation = asNumber(readValue(bytes, from));
  });
  if (message.timeToLiveMs === LONGEST_TTL && expiry !== undefined && creation !== undefined) {
    message.timeToLiveMs = Math.max(0, expiry - creation);
  }
}

/** Takes an encoded message (format 0) apart. Throws {@link MessageFormatError}. */
export function splitMessage(bytes: Buffer): SplitMessage {
  const message: SplitMessage = {
    durable: false,
    priority: undefined,
    timeToLiveMs: undefined,
    partitionKey: undefined,
    scheduledAt: undefined,
    annotations: undefined,
    messageId: undefined,
    sessionId: undefined,
    content: bytes,
  };
  const section: Section = { code: 0, valueAt: 0, end: 0 };
  let contentAt = -1;
  let last = 0;
  for (let at = 0; at < bytes.length; at = section.end) {
    readSection(bytes, at, section);
    // Sections stand in the order of their codes, but for rhea's footer, which it writes before the body.
    if (section.code < last && !(last === SECTION.footer && section.code >= SECTION.data)) {
      throw new MessageFormatError(
        `malformed AMQP message: expected no section 0x${section.code.toString(16)} behind 0x${last.toString(16)} at byte ${at}`,
      );
    }
    last = section.code;
    if (section.code === SECTION.header) readHeader(bytes, section.valueAt, message);
    else if (section.code === SECTION.messageAnnotations) readAnnotations(bytes, section.valueAt, message);
    else if (section.code !== SECTION.deliveryAnnotations) {
      if (contentAt < 0) contentAt = at;
      if (section.code === SECTION.properties) readIds(bytes, section.valueAt, message);
    }
  }
  message.content = bytes.subarray(contentAt < 0 ? bytes.length : contentAt);
  return message;
}

/** An encoded message without its body's sections. A copy. */
export function withoutBody(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  const section: Section = { code: 0, valueAt: 0, end: 0 };
  for (let at = 0; at < bytes.length; at = section.end) {
    readSection(bytes, at, section);
    if (section.code < SECTION.data || section.code > SECTION.value) kept.push(bytes.subarray(at, section.end));
  }
  return Buffer.concat(kept);
}

/**
 * The messages of a batch (message format 0x80013700): an AMQP message whose data sections hold one encoded message
 * each. Views of `bytes`.
 */
export function splitBatch(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  const section: Section = { code: 0, valueAt: 0, end: 0 };
  for (let at = 0; at < bytes.length; at = section.end) {
    readSection(bytes, at, section);
    if (section.code === SECTION.data) {
      const data = readValue(bytes, section.valueAt);
      if (!Buffer.isBuffer(data)) {
        throw new MessageFormatError(`malformed batch: expected a binary in the data section at byte ${at}`);
      }
      messages.push(data);
    } else if (section.code === SECTION.sequence || section.code === SECTION.value) {
      throw new MessageFormatError(
        `malformed batch: expected only data sections in its body, got 0x${section.code.toString(16)} at byte ${at}`,
      );
    }
  }
  return messages;
}
