import type { HttpHandler, InvocationContext } from '@azure/functions';
import type { SagaObserver } from 'durable-saga';
import type { Publisher } from 'durable-saga/postgres';
import type { Backlog } from '../domain/backlog';
import type { FinalStatus } from '../domain/order-status';
import type { DeadLetters, SagaStarter } from '../ports';

/*
 * What the app does so that it can be watched, in one interface with two implementations: this file's, which does nothing, and
 * that of `spans.ts` and `measures.ts`. Handlers are wrapped where they are registered, each once: `http`, `message` and
 * `invoked` are for the triggers, of which none is left out, and `observer` for the durable activities. Hooks of
 * `@azure/functions` around invocations would do it in one place, but would keep functions-host from running sagas without replay.
 */

/** Where a message comes from. */
export interface MessageSource {
  /** The queue or topic. */
  readonly address: string;
  readonly subscription?: string;
}

/** What of a message its span tells. */
export interface TracedMessage {
  readonly id: string;
  readonly correlationId: string | undefined;
  readonly deliveryCount: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What triggers an invocation that is neither a request nor a message, by OpenTelemetry's word for it. */
export type OtherTrigger = 'timer' | 'datasource';

/** A saga whose end stands in its row, told by whoever wrote that, after the commit. */
export interface SagaEnd {
  readonly saga: 'placeOrder' | 'returnOrder' | 'importOrders' | 'importProducts';
  readonly outcome: FinalStatus;
  readonly reason: string | undefined;
  readonly acceptedAt: Date;
}

/** A starter of sagas in two ways. */
export interface Starters<Client, Id extends string> {
  /** In the trace of whoever starts the saga, as starters do by themselves. */
  readonly here: SagaStarter<Client, Id>;
  /** For sagas that are started many at a time: each has a trace of its own, with a link to whoever started it. */
  readonly apart: SagaStarter<Client, Id>;
}

export interface Telemetry {
  /** Of the sagas' attempts, and of what clients do to sagas. */
  readonly observer: SagaObserver | undefined;
  http(about: { readonly name: string; readonly route: string }, handler: HttpHandler): HttpHandler;
  /** Of any other trigger. */
  invoked<Given, Result>(trigger: OtherTrigger, handler: Handler<Given, Result>): Handler<Given, Result>;
  message<Message extends TracedMessage, Result>(
    source: MessageSource,
    handler: (message: Message, context: InvocationContext) => Promise<Result>,
  ): (message: Message, context: InvocationContext) => Promise<Result>;
  starting<Client, Id extends string>(saga: string, starter: SagaStarter<Client, Id>): Starters<Client, Id>;
  publishing(publisher: Publisher): Publisher;
  /** What a message that is kept now has to take along to be in the trace of what is being done. */
  headers(): Readonly<Record<string, string>>;
  sagaEnded(end: SagaEnd): void;
  countingDeadLetters(deadLetters: DeadLetters): DeadLetters;
  /** Undefined where nobody wants to know: what it would take to find out can be left. */
  readonly backlog: ((backlog: Backlog) => void) | undefined;
  /** Sends what is still to be sent. Ends in bounded time, and never fails. */
  stop(): Promise<void>;
}

type Handler<Given, Result> = (given: Given, context: InvocationContext) => Result | Promise<Result>;

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** Nothing is observed, and nothing loaded for it. */
export const noTelemetry: Telemetry = {
  observer: undefined,
  http: (_about, handler) => handler,
  invoked: (_trigger, handler) => handler,
  message: (_source, handler) => handler,
  starting: (_saga, starter) => ({ here: starter, apart: starter }),
  publishing: (publisher) => publisher,
  headers: () => NO_HEADERS,
  sagaEnded: () => undefined,
  countingDeadLetters: (deadLetters) => deadLetters,
  backlog: undefined,
  stop: async () => undefined,
};
