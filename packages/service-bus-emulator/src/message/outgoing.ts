import { skipValue } from './decode';
import { AmqpWriter } from './encode';
import { LONGEST_TTL, SECTION } from './sections';

/** What a message goes out with, beside its content. Times are milliseconds since the Unix epoch. */
export interface OutgoingMessage {
  readonly content: Buffer;
  readonly annotations?: Buffer | undefined;
  readonly durable?: boolean | undefined;
  readonly priority?: number | undefined;
  readonly timeToLiveMs?: number | undefined;
  /** Times that it was delivered and given up before. */
  readonly deliveryCount: number;
  readonly sequenceNumber: number;
  readonly enqueuedSequenceNumber?: number | undefined;
  readonly enqueuedAt: number;
  readonly scheduledAt?: number | undefined;
  readonly partitionKey?: string | undefined;
  readonly deadLetterSource?: string | undefined;
  readonly state?: 'active' | 'deferred' | 'scheduled';
}

function writeHeader(writer: AmqpWriter, message: OutgoingMessage): void {
  const mark = writer.open(SECTION.header, 'list');
  writer.byte(message.durable === true ? 0x41 : 0x42);
  if (message.priority === undefined) writer.byte(0x40);
  else writer.ubyte(message.priority);
  const ttl = message.timeToLiveMs;
  if (ttl === undefined || !Number.isFinite(ttl)) writer.byte(0x40);
  else writer.uint(Math.min(Math.max(0, Math.floor(ttl)), LONGEST_TTL));
  writer.byte(0x40);
  writer.uint(message.deliveryCount);
  writer.close(mark, 5);
}

const STATES = { active: 0, deferred: 1, scheduled: 2 } as const;

/** Writes annotations and counts them. */
function writeAnnotations(writer: AmqpWriter, message: OutgoingMessage, lockedUntil: number | undefined): void {
  const mark = writer.open(SECTION.messageAnnotations, 'map');
  let count = 6;
  writer.symbol('x-opt-sequence-number');
  writer.long(message.sequenceNumber);
  writer.symbol('x-opt-enqueued-time');
  writer.timestamp(message.enqueuedAt);
  writer.symbol('x-opt-message-state');
  writer.int(STATES[message.state ?? 'active']);
  const time = (name: string, at: number | undefined): void => {
    if (at === undefined) return;
    writer.symbol(name);
    writer.timestamp(at);
    count += 2;
  };
  const string = (name: string, value: string | undefined): void => {
    if (value === undefined) return;
    writer.symbol(name);
    writer.string(value);
    count += 2;
  };
  time('x-opt-locked-until', lockedUntil);
  time('x-opt-scheduled-enqueue-time', message.scheduledAt);
  string('x-opt-partition-key', message.partitionKey);
  string('x-opt-deadletter-source', message.deadLetterSource);
  if (message.enqueuedSequenceNumber !== undefined) {
    writer.symbol('x-opt-enqueue-sequence-number');
    writer.long(message.enqueuedSequenceNumber);
    count += 2;
  }
  if (message.annotations !== undefined) {
    for (let at = 0; at < message.annotations.length; at = skipValue(message.annotations, at)) count++;
    writer.raw(message.annotations);
  }
  writer.close(mark, count);
}

/** More bytes than header and annotations of the broker's own ever take. */
const BROKERS_PART = 384;

/** How many bytes a message takes at most when it goes out. */
export const mostBytes = (message: OutgoingMessage): number =>
  message.content.length +
  (message.annotations?.length ?? 0) +
  BROKERS_PART +
  3 * ((message.partitionKey?.length ?? 0) + (message.deadLetterSource?.length ?? 0));

/**
 * Writes what is to be sent: header and annotations as the broker says, then the content untouched.
 * @param lockedUntil when the lock ends that the receiver holds; undefined: none
 */
export function writeMessage(writer: AmqpWriter, message: OutgoingMessage, lockedUntil?: number): void {
  writeHeader(writer, message);
  writeAnnotations(writer, message, lockedUntil);
  writer.raw(message.content);
}

/** The same as bytes. */
export function joinMessage(message: OutgoingMessage, lockedUntil?: number): Buffer {
  const writer = new AmqpWriter(mostBytes(message));
  writeMessage(writer, message, lockedUntil);
  return writer.take();
}
