import { deserialize } from 'node:v8';
import type { EntityRecord, JournalMessage, JournalRecord } from '../broker/journal';
import type { MessageState } from '../broker/message';
import { flags, messageStates, RECORD_HEAD, recordTypes } from './record-writer';

/** A record as it lies in a payload; what is in it is read when it is wanted. */
export interface RawRecord {
  readonly type: number;
  /** The address that it is about. */
  readonly place: string;
  /** All of it, head included. */
  readonly bytes: Buffer;
}

/** The records of a payload whose bytes are known to be as they were written. */
export function* rawRecords(payload: Buffer): Generator<RawRecord> {
  const places = new Map<number, string>();
  for (let at = 0; at < payload.length;) {
    const bytes = payload.subarray(at, at + payload.readUInt32LE(at));
    at += bytes.length;
    const type = bytes[4] ?? 0;
    const number = bytes.readUInt32LE(5);
    if (type === recordTypes.place) places.set(number, new BodyReader(bytes).text());
    else yield { type, place: places.get(number) ?? '', bytes };
  }
}

/** The number of the message that an added, removed or changed record is about; the next number of a sequence record. */
export const sequenceNumberOf = (record: RawRecord): number => record.bytes.readDoubleLE(RECORD_HEAD);

/** Whether a changed record has content, in which case it makes no difference what an earlier one had. */
export const hasContent = (record: RawRecord): boolean => record.bytes[RECORD_HEAD + 13] === 1;

/** Throws for a type that this format does not have. */
export function readRecord({ type, place, bytes }: RawRecord): JournalRecord {
  const body = new BodyReader(bytes);
  switch (type) {
    case recordTypes.added:
      return { type: 'added', store: place, message: readMessage(body) };
    case recordTypes.removed:
      return { type: 'removed', store: place, sequenceNumber: body.double() };
    case recordTypes.changed: {
      const sequenceNumber = body.double();
      const state = readState(body);
      const deliveryCount = body.unsigned();
      const content = body.byte() === 1 ? body.bytes() : undefined;
      return { type: 'changed', store: place, sequenceNumber, state, deliveryCount, ...(content && { content }) };
    }
    case recordTypes.sequence:
      return { type: 'sequence', store: place, next: body.double() };
    case recordTypes.sessionState: {
      const session = body.text();
      return { type: 'sessionState', store: place, session, state: body.byte() === 1 ? body.bytes() : undefined };
    }
    case recordTypes.remembered:
      return { type: 'remembered', path: place, messageId: body.text(), at: body.double() };
    case recordTypes.entity:
      return deserialize(body.bytes()) as EntityRecord;
    case recordTypes.entityDeleted:
      return { type: 'entityDeleted', path: place };
    default:
      throw new Error(`Expected a record of a known type, got type ${type}.`);
  }
}

function readState(body: BodyReader): MessageState {
  const state = messageStates[body.byte()];
  if (!state) throw new Error('Expected a state of a message, got another number.');
  return state;
}

function readMessage(body: BodyReader): JournalMessage {
  const sequenceNumber = body.double();
  const enqueuedSequenceNumber = body.double();
  const state = readState(body);
  const enqueuedAt = body.double();
  const expiresAt = body.double();
  const deliveryCount = body.unsigned();
  const hops = body.unsigned();
  const set = body.unsigned();
  return {
    sequenceNumber,
    enqueuedSequenceNumber,
    state,
    enqueuedAt,
    expiresAt,
    deliveryCount,
    hops,
    // In the order in which they were written.
    messageId: set & flags.messageId ? body.text() : undefined,
    sessionId: set & flags.sessionId ? body.text() : undefined,
    partitionKey: set & flags.partitionKey ? body.text() : undefined,
    timeToLiveMs: set & flags.timeToLiveMs ? body.double() : undefined,
    scheduledAt: set & flags.scheduledAt ? body.double() : undefined,
    deadLetterSource: set & flags.deadLetterSource ? body.text() : undefined,
    priority: set & flags.priority ? body.double() : undefined,
    durable: set & flags.hasDurable ? (set & flags.durable) !== 0 : undefined,
    annotations: set & flags.annotations ? body.bytes() : undefined,
    content: body.bytes(),
  };
}

/** Reads a record's body, field after field. */
class BodyReader {
  readonly #bytes: Buffer;
  #at = RECORD_HEAD;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    this.#at += 1;
    return this.#bytes.readUInt8(this.#at - 1);
  }

  unsigned(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  double(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  text(): string {
    const length = this.unsigned();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** A copy, so that one message does not keep the whole payload in memory. */
  bytes(): Buffer {
    const length = this.unsigned();
    this.#at += length;
    return Buffer.from(this.#bytes.subarray(this.#at - length, this.#at));
  }
}
