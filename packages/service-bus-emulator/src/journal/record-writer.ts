/*
 * Records as bytes. Each is `length (u32) type (u8) place (u32) body`, little-endian, where the place is the number of an
 * address that a `place` record has told before. Addresses are told anew in each payload, so that payloads stand alone,
 * and may also be joined: a number means what was told last.
 */
import { serialize } from 'node:v8';
import type { JournalMessage, JournalRecord } from '../broker/journal';

/** Numbers on disk: never to be used for something else. */
export const recordTypes = {
  place: 0,
  added: 1,
  removed: 2,
  changed: 3,
  sequence: 4,
  sessionState: 5,
  remembered: 6,
  entity: 7,
  entityDeleted: 8,
} as const;

export const messageStates = ['active', 'deferred', 'scheduled'] as const;

/** Length, type and place. */
export const RECORD_HEAD = 9;

/** Which optional fields of a message are there, bit by bit. */
export const flags = {
  messageId: 1,
  sessionId: 2,
  partitionKey: 4,
  timeToLiveMs: 8,
  scheduledAt: 16,
  deadLetterSource: 32,
  priority: 64,
  hasDurable: 128,
  durable: 256,
  annotations: 512,
} as const;

const FIRST_CAPACITY = 64 * 1024;

/** Collects records to one payload. */
export class RecordWriter {
  #buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;
  readonly #places = new Map<string, number>();

  get length(): number {
    return this.#length;
  }

  /** The payload of all records since the last time; the writer begins another. */
  take(): Buffer {
    const payload = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
    this.#length = 0;
    this.#places.clear();
    return payload;
  }

  write(record: JournalRecord): void {
    switch (record.type) {
      case 'added': {
        this.#framed(recordTypes.added, record.store, () => this.#message(record.message));
        return;
      }
      case 'removed': {
        this.#framed(recordTypes.removed, record.store, () => this.#double(record.sequenceNumber));
        return;
      }
      case 'changed': {
        this.#framed(recordTypes.changed, record.store, () => {
          this.#double(record.sequenceNumber);
          this.#byte(messageStates.indexOf(record.state));
          this.#unsigned(record.deliveryCount);
          this.#optionalBytes(record.content);
        });
        return;
      }
      case 'sequence': {
        this.#framed(recordTypes.sequence, record.store, () => this.#double(record.next));
        return;
      }
      case 'sessionState': {
        this.#framed(recordTypes.sessionState, record.store, () => {
          this.#text(record.session);
          this.#optionalBytes(record.state);
        });
        return;
      }
      case 'remembered': {
        this.#framed(recordTypes.remembered, record.path, () => {
          this.#text(record.messageId);
          this.#double(record.at);
        });
        return;
      }
      case 'entity': {
        this.#framed(recordTypes.entity, record.path, () => this.#bytes(serialize(record)));
        return;
      }
      case 'entityDeleted': {
        this.#framed(recordTypes.entityDeleted, record.path, () => undefined);
        return;
      }
    }
  }

  /** Takes over a record as another payload has it: all of its bytes. */
  copy(record: Buffer, place: string): void {
    const number = this.#placeNumber(place);
    this.#reserve(record.length);
    record.copy(this.#buffer, this.#length);
    this.#buffer.writeUInt32LE(number, this.#length + RECORD_HEAD - 4);
    this.#length += record.length;
  }

  #framed(type: number, place: string, body: () => void): void {
    const number = this.#placeNumber(place);
    this.#record(type, number, body);
  }

  #record(type: number, place: number, body: () => void): void {
    this.#reserve(RECORD_HEAD);
    const start = this.#length;
    this.#buffer[start + 4] = type;
    this.#buffer.writeUInt32LE(place, start + 5);
    this.#length += RECORD_HEAD;
    body();
    this.#buffer.writeUInt32LE(this.#length - start, start);
  }

  #placeNumber(place: string): number {
    const known = this.#places.get(place);
    if (known !== undefined) return known;
    const number = this.#places.size;
    this.#places.set(place, number);
    this.#record(recordTypes.place, number, () => this.#text(place));
    return number;
  }

  #message(message: JournalMessage): void {
    this.#reserve(64);
    this.#double(message.sequenceNumber);
    this.#double(message.enqueuedSequenceNumber);
    this.#byte(messageStates.indexOf(message.state));
    this.#double(message.enqueuedAt);
    this.#double(message.expiresAt);
    this.#unsigned(message.deliveryCount);
    this.#unsigned(message.hops);
    this.#unsigned(flagsOf(message));
    if (message.messageId !== undefined) this.#text(message.messageId);
    if (message.sessionId !== undefined) this.#text(message.sessionId);
    if (message.partitionKey !== undefined) this.#text(message.partitionKey);
    if (message.timeToLiveMs !== undefined) this.#double(message.timeToLiveMs);
    if (message.scheduledAt !== undefined) this.#double(message.scheduledAt);
    if (message.deadLetterSource !== undefined) this.#text(message.deadLetterSource);
    if (message.priority !== undefined) this.#double(message.priority);
    if (message.annotations !== undefined) this.#bytes(message.annotations);
    this.#bytes(message.content);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  #unsigned(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  #double(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  #text(text: string): void {
    this.#reserve(4 + text.length * 3);
    const written = this.#buffer.write(text, this.#length + 4);
    this.#buffer.writeUInt32LE(written, this.#length);
    this.#length += 4 + written;
  }

  #bytes(bytes: Buffer): void {
    this.#reserve(4 + bytes.length);
    this.#buffer.writeUInt32LE(bytes.length, this.#length);
    bytes.copy(this.#buffer, this.#length + 4);
    this.#length += 4 + bytes.length;
  }

  #optionalBytes(bytes: Buffer | undefined): void {
    this.#byte(bytes === undefined ? 0 : 1);
    if (bytes !== undefined) this.#bytes(bytes);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + more));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function flagsOf(message: JournalMessage): number {
  let set = 0;
  if (message.messageId !== undefined) set |= flags.messageId;
  if (message.sessionId !== undefined) set |= flags.sessionId;
  if (message.partitionKey !== undefined) set |= flags.partitionKey;
  if (message.timeToLiveMs !== undefined) set |= flags.timeToLiveMs;
  if (message.scheduledAt !== undefined) set |= flags.scheduledAt;
  if (message.deadLetterSource !== undefined) set |= flags.deadLetterSource;
  if (message.priority !== undefined) set |= flags.priority;
  if (message.durable !== undefined) set |= flags.hasDurable;
  if (message.durable === true) set |= flags.durable;
  if (message.annotations !== undefined) set |= flags.annotations;
  return set;
}
