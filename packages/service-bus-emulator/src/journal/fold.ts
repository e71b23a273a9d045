/*
 * What is left of a stretch of the journal when all that was undone in it is left out. Two passes over closed files: the
 * first finds what is alive at their end (numbers only, no contents), the second copies that. Both go in small steps, so
 * that a broker in the same process hardly notices.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EntityRecord } from '../broker/journal';
import { hasContent, rawRecords, type RawRecord, readRecord, sequenceNumberOf } from './record-reader';
import { recordTypes, RecordWriter } from './record-writer';

/** After so many records others get their turn. */
const STEP = 2_000;

/** A payload of the outcome is about so long. */
const PAYLOAD = 1024 * 1024;

type Payloads = () => Iterable<Buffer>;

interface Place {
  readonly name: string;
  /** By sequence number: which of the added records it is, counted from the beginning. */
  readonly alive: Map<number, number>;
  readonly sessions: Map<string, Buffer>;
  readonly remembered: Map<string, { readonly at: number; readonly bytes: Buffer }>;
  next: number;
}

interface Alive {
  readonly entities: Map<string, { readonly path: string; readonly bytes: Buffer; readonly record: EntityRecord }>;
  readonly places: Map<string, Place>;
  /** By the count of the added record: the last change, and the last that had content. */
  readonly changes: Map<number, readonly Buffer[]>;
}

/** Payloads that say the same as those given and no more. `now` tells which message ids need not be remembered any more. */
export async function* fold(payloads: Payloads, now: number): AsyncGenerator<Buffer> {
  const alive = await findAlive(payloads);
  const writer = new RecordWriter();
  for (const { path, bytes } of alive.entities.values()) writer.copy(bytes, path);
  for await (const { record, count } of steps(payloads)) {
    if (record.type !== recordTypes.added) continue;
    if (alive.places.get(record.place)?.alive.get(sequenceNumberOf(record)) !== count) continue;
    writer.copy(record.bytes, record.place);
    for (const change of alive.changes.get(count) ?? []) writer.copy(change, record.place);
    if (writer.length >= PAYLOAD) yield writer.take();
  }
  for (const place of alive.places.values()) {
    if (place.next > 1) writer.write({ type: 'sequence', store: place.name, next: place.next });
    for (const bytes of place.sessions.values()) writer.copy(bytes, place.name);
    const remembersSince = now - windowOf(alive, place.name);
    for (const { at, bytes } of place.remembered.values()) {
      if (at > remembersSince) writer.copy(bytes, place.name);
      if (writer.length >= PAYLOAD) yield writer.take();
    }
  }
  if (writer.length > 0) yield writer.take();
}

function windowOf({ entities }: Alive, path: string): number {
  const record = entities.get(path.toLowerCase())?.record;
  return record && record.kind !== 'subscription' ? record.options.duplicateDetectionWindowMs : Infinity;
}

/** Every record with its number among those that add a message, from 1; lets others run now and then. */
async function* steps(payloads: Payloads): AsyncGenerator<{ readonly record: RawRecord; readonly count: number }> {
  let count = 0;
  let done = 0;
  for (const payload of payloads()) {
    for (const record of rawRecords(payload)) {
      if (record.type === recordTypes.added) count += 1;
      done += 1;
      if (done % STEP === 0) await nextTurn();
      yield { record, count };
    }
  }
}

async function findAlive(payloads: Payloads): Promise<Alive> {
  const alive: Alive = { entities: new Map(), places: new Map(), changes: new Map() };
  for await (const { record, count } of steps(payloads)) note(alive, record, count);
  return alive;
}

function note(alive: Alive, record: RawRecord, count: number): void {
  if (record.type === recordTypes.entity) {
    noteEntity(alive, record);
    return;
  }
  if (record.type === recordTypes.entityDeleted) {
    forget(alive, record.place.toLowerCase());
    return;
  }
  const place = placeOf(alive, record.place);
  const read = record.type === recordTypes.sessionState || record.type === recordTypes.remembered;
  if (read) {
    noteDetail(place, record);
    return;
  }
  const number = sequenceNumberOf(record);
  const known = place.alive.get(number);
  switch (record.type) {
    case recordTypes.added:
      place.alive.set(number, count);
      place.next = Math.max(place.next, number + 1);
      return;
    case recordTypes.removed:
      place.alive.delete(number);
      if (known !== undefined) alive.changes.delete(known);
      return;
    case recordTypes.changed:
      if (known !== undefined) alive.changes.set(known, changesOf(alive.changes.get(known), record));
      return;
    case recordTypes.sequence:
      place.next = Math.max(place.next, number);
  }
}

/** A change without content leaves the content of the one before it. */
function changesOf(before: readonly Buffer[] | undefined, record: RawRecord): readonly Buffer[] {
  const bytes = Buffer.from(record.bytes);
  if (hasContent(record)) return [bytes];
  const content = before?.find((change) => hasContent({ ...record, bytes: change }));
  return content ? [content, bytes] : [bytes];
}

function noteEntity(alive: Alive, raw: RawRecord): void {
  const record = readRecord(raw) as EntityRecord;
  alive.entities.set(raw.place.toLowerCase(), { path: raw.place, bytes: Buffer.from(raw.bytes), record });
}

function noteDetail(place: Place, raw: RawRecord): void {
  const record = readRecord(raw);
  if (record.type === 'sessionState') {
    if (record.state) place.sessions.set(record.session, Buffer.from(raw.bytes));
    else place.sessions.delete(record.session);
  } else if (record.type === 'remembered') {
    place.remembered.set(record.messageId, { at: record.at, bytes: Buffer.from(raw.bytes) });
  }
}

/** An entity is gone with all that lay in it and below it. */
function forget(alive: Alive, path: string): void {
  const isOf = (name: string): boolean => name === path || name.startsWith(`${path}/`);
  for (const key of alive.entities.keys()) if (isOf(key)) alive.entities.delete(key);
  for (const [name, place] of alive.places) {
    if (!isOf(name.toLowerCase())) continue;
    for (const count of place.alive.values()) alive.changes.delete(count);
    alive.places.delete(name);
  }
}

function placeOf(alive: Alive, name: string): Place {
  let place = alive.places.get(name);
  if (!place) {
    place = { name, alive: new Map(), sessions: new Map(), remembered: new Map(), next: 1 };
    alive.places.set(name, place);
  }
  return place;
}
