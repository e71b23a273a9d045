import type { Durable, Handle } from '../host/durable-port';
import { EventQueue } from './event-queue';
import { noteCause } from '../definition/cause';
import type { CameEvent } from '../definition/many-events';
import { isMany, readEvent } from '../definition/many-events';
import type { EventSchemas } from '../definition/saga';
import { listIssues, parseWith } from '../definition/schema';
import { readSingleEvent } from '../definition/single-event';

/** Ids of the latest events of a name that are remembered: a repeated delivery follows the first one closely. */
const REMEMBERED = 256;

/** Events that came in one history, for the next. */
export interface InboxData {
  /** Payloads as they came, by event: of a `once` event the one that counts, of others those that nobody has taken. */
  readonly payloads: Readonly<Record<string, readonly unknown[]>>;
  /** Ids of events that were taken lately, by event. */
  readonly seen: Readonly<Record<string, readonly string[]>>;
}

interface Box {
  readonly queue: EventQueue;
  readonly isMany: boolean;
  /** Of a `once` event: what came, and its payload as it came. */
  received: { readonly value: unknown; readonly payload: unknown } | undefined;
  /** The oldest first. */
  readonly seen: Set<string>;
}

/** Holds what came of each declared event: the first valid payload, or all that were not taken yet. */
export class EventInbox {
  readonly #durable: Durable;
  readonly #schemas: EventSchemas;
  readonly #boxes: Map<string, Box> | undefined;

  constructor(durable: Durable, schemas: EventSchemas, { payloads = {}, seen = {} }: Partial<InboxData> = {}) {
    this.#durable = durable;
    this.#schemas = schemas;
    const declared = Object.entries(schemas);
    if (declared.length === 0) return;
    this.#boxes = new Map();
    for (const [event, schema] of declared) {
      this.#boxes.set(event, {
        queue: new EventQueue(durable, event, payloads[event]),
        isMany: isMany(schema),
        received: undefined,
        seen: new Set(seen[event]),
      });
    }
  }

  /**
   * What came, or undefined. Of an event that may come many times this takes the next one; any other stays. What does
   * not match its schema is logged and passed over, and so is a repeated delivery.
   */
  look(event: string): { readonly value: unknown } | undefined {
    const box = this.#boxOf(event);
    if (box.received !== undefined) return box.received;
    for (let came = box.queue.next(); came !== undefined; came = box.queue.next()) {
      const said = box.isMany ? this.#readNew(event, box, came.payload) : readSingleEvent(came.payload);
      const parsed = said === undefined ? undefined : this.#parse(event, said.payload);
      if (said === undefined || parsed === undefined) continue;
      noteCause(this.#durable, said.trace);
      if (!box.isMany) box.received = { value: parsed.value, payload: came.payload };
      return parsed;
    }
    return undefined;
  }

  /** What to wait for after `look` found nothing. */
  handle(event: string): Handle {
    return this.#boxOf(event).queue.handle();
  }

  /** What to wait for so that nothing that has come of events that may come many times stays unseen. */
  manyHandles(): Handle[] {
    return this.#many().map(([, { queue }]) => queue.handle());
  }

  /** How many events nobody has taken, by name; of those that may come many times. */
  leftOver(): { readonly event: string; readonly count: number }[] {
    return this.#many().flatMap(([event, { queue }]) => {
      const count = queue.gather().length;
      return count === 0 ? [] : [{ event, count }];
    });
  }

  /** All that another history must know. */
  toData(): InboxData {
    const payloads: Record<string, readonly unknown[]> = {};
    const seen: Record<string, readonly string[]> = {};
    for (const [event, box] of this.#boxes ?? []) {
      if (!box.isMany) this.look(event);
      const left = box.isMany ? box.queue.gather() : box.received === undefined ? [] : [box.received.payload];
      if (left.length > 0) payloads[event] = left;
      if (box.seen.size > 0) seen[event] = [...box.seen];
    }
    return { payloads, seen };
  }

  /** Whether there are events that may come many times. */
  get hasMany(): boolean {
    return this.#boxes !== undefined && this.#many().length > 0;
  }

  #many(): [string, Box][] {
    return [...(this.#boxes ?? [])].filter(([, box]) => box.isMany);
  }

  /** Undefined for a repeated delivery. */
  #readNew(event: string, { seen }: Box, payload: unknown): CameEvent | undefined {
    const said = readEvent(payload);
    if (said.id === undefined) return said;
    if (seen.has(said.id)) {
      this.#durable.log('info', `saga ${this.#durable.instanceId}: event '${event}' ${said.id} was delivered again`);
      return undefined;
    }
    seen.add(said.id);
    const [oldest] = seen;
    if (seen.size > REMEMBERED && oldest !== undefined) seen.delete(oldest);
    return said;
  }

  #parse(event: string, payload: unknown): { readonly value: unknown } | undefined {
    const schema = this.#schemas[event];
    const parsed = schema === undefined ? undefined : parseWith(schema, payload);
    if (parsed === undefined || parsed.ok) return parsed;
    this.#durable.log(
      'warn',
      `saga ${this.#durable.instanceId}: event '${event}' ignored, its payload does not match the schema: ${listIssues(parsed.issues)}`,
    );
    return undefined;
  }

  #boxOf(event: string): Box {
    const box = this.#boxes?.get(event);
    if (box === undefined) throw new Error(`the event '${event}' is not declared`);
    return box;
  }
}
