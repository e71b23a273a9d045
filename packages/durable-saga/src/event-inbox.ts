import type { Durable, EventHandle, Handle } from './durable-port';
import type { EventSchemas } from './saga';
import { listIssues, parseWith } from './schema';

/** Holds the first valid payload of each declared event. */
export class EventInbox {
  readonly #durable: Durable;
  readonly #schemas: EventSchemas;
  readonly #pending = new Map<string, EventHandle>();
  readonly #received = new Map<string, { readonly value: unknown }>();

  constructor(durable: Durable, schemas: EventSchemas) {
    this.#durable = durable;
    this.#schemas = schemas;
  }

  /** What came, or undefined. A payload that does not match its schema is logged and passed over. */
  look(event: string): { readonly value: unknown } | undefined {
    const received = this.#received.get(event);
    const pending = this.#pending.get(event);
    if (received !== undefined || !pending?.done) return received;
    this.#pending.delete(event);
    const schema = this.#schemas[event];
    if (schema === undefined) throw new Error(`the event '${event}' is not declared`);
    const parsed = parseWith(schema, pending.value());
    if (!parsed.ok) {
      this.#durable.log(
        'warn',
        `saga ${this.#durable.instanceId}: event '${event}' ignored, its payload does not match the schema: ${listIssues(parsed.issues)}`,
      );
      return undefined;
    }
    this.#received.set(event, parsed);
    return parsed;
  }

  /** What to wait for after `look` found nothing. */
  handle(event: string): Handle {
    const pending = this.#pending.get(event);
    if (pending !== undefined) return pending;
    const next = this.#durable.event(event);
    this.#pending.set(event, next);
    return next;
  }
}
