import { ROOT_CONTEXT, SpanKind, SpanStatusCode, context as contexts, propagation, trace } from '@opentelemetry/api';
import type { Attributes, Context, Link, Span, SpanOptions } from '@opentelemetry/api';
import type { InvocationContext } from '@azure/functions';
import type { OutgoingMessage, Published } from 'durable-saga/postgres';
import { orderIdSchema } from '../domain/ids';
import { spanAttributes } from './names';
import type { Telemetry } from './telemetry';

/*
 * The app's spans. One rule for all: an invocation has one span of the host's, which says what came in and is a server's or
 * consumer's, and one of the app's below it, which is internal and says what it was about. A second one that is a server's or
 * consumer's would be counted as a second request. The host says in `context.traceContext` where its own stands; one that is not
 * told to send its spans says that nothing of the trace is recorded, and then nothing of the app's is.
 * Durable activities have theirs by the sagas' observer; orchestrations, which are replayed, have the host's alone.
 *
 * What a handler starts or publishes stands below the handler's, since that is the active one: the
 * durable client sends it along, and the outbox keeps it with its messages. So a saga is one trace, from the request or message
 * that asked for it to the last reader of what it told.
 *
 * Nothing of a body, a payload or an error's message is in a span: ids, names and codes are.
 */

const NAME = 'order-sagas';

type Spans = Pick<Telemetry, 'http' | 'invoked' | 'message' | 'starting' | 'publishing' | 'headers'>;

/** `ready` resolves when spans are taken, and may be asked for again and again. */
export function createSpans(ready: () => Promise<void>): Spans {
  async function within<T>(
    { name, parent, ...options }: SpanOptions & { readonly name: string; readonly parent: Context },
    work: (span: Span) => Promise<T>,
  ): Promise<T> {
    const span = trace.getTracer(NAME).startSpan(name, options, parent);
    try {
      return await contexts.with(trace.setSpan(parent, span), work, undefined, span);
    } catch (error) {
      noteError(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    http:
      ({ name, route }, handler) =>
      async (request, context) => {
        await ready();
        const attributes = {
          ...invocationAttributes(context, 'http'),
          'http.request.method': request.method,
          'http.route': route,
          ...orderOf(request.params['orderId'] ?? request.params['returnId']),
        };
        return within({ name, kind: SpanKind.INTERNAL, attributes, parent: hostsContext(context) }, async (span) => {
          const answer = await handler(request, context);
          const status = 'status' in answer ? (answer.status ?? 200) : 200;
          span.setAttribute('http.response.status_code', status);
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
          return answer;
        });
      },

    invoked: (trigger, handler) => async (given, context) => {
      await ready();
      const attributes = invocationAttributes(context, trigger);
      const name = context.functionName;
      return within({ name, kind: SpanKind.INTERNAL, attributes, parent: hostsContext(context) }, async () =>
        handler(given, context),
      );
    },

    message: (source, handler) => async (message, context) => {
      await ready();
      const { address, subscription } = source;
      const attributes = {
        ...invocationAttributes(context, 'pubsub'),
        ...messagingAttributes(address, message.id),
        'messaging.operation.type': 'process',
        'messaging.destination.subscription.name': subscription,
        'messaging.servicebus.message.delivery_count': message.deliveryCount,
        'messaging.message.conversation_id': message.correlationId,
        ...orderOf(message.correlationId),
      };
      const name = `process ${subscription === undefined ? address : `${address}/${subscription}`}`;
      const options = { kind: SpanKind.INTERNAL, attributes, ...placeOf(message.properties, context) };
      return within({ name, ...options }, async () => handler(message, context));
    },

    starting: (saga, starter) => ({
      here: starter,
      apart: {
        async start(client, id) {
          await ready();
          const options = { name: `start ${saga}`, kind: SpanKind.INTERNAL, attributes: sagaAttributes(saga, id) };
          return within({ ...options, parent: ROOT_CONTEXT, links: linksTo(contexts.active()) }, async () =>
            starter.start(client, id),
          );
        },
      },
    }),

    publishing: (publisher) => ({
      async publish(messages) {
        await ready();
        const sending = messages.map((message) => beginSending(message));
        let results: readonly Published[] = [];
        try {
          results = await publisher.publish(sending.map(({ message }) => message));
          return results;
        } finally {
          for (const [index, { span }] of sending.entries()) {
            if (results[index]?.ok !== true) span.setStatus({ code: SpanStatusCode.ERROR });
            span.end();
          }
        }
      },
    }),

    headers() {
      const headers: Record<string, string> = {};
      propagation.inject(contexts.active(), headers);
      return headers;
    },
  };
}

function hostsContext({ traceContext }: InvocationContext): Context {
  const { traceParent, traceState } = traceContext ?? {};
  return toContext(traceParent, traceState);
}

function toContext(traceparent: unknown, tracestate: unknown): Context {
  if (typeof traceparent !== 'string' || traceparent === '') return ROOT_CONTEXT;
  const carrier = { traceparent, ...(typeof tracestate === 'string' && tracestate !== '' && { tracestate }) };
  return propagation.extract(ROOT_CONTEXT, carrier);
}

/**
 * Where a message's handling belongs: in the message's trace. A host that follows it has a span there, which is the parent; one that
 * has begun a trace of its own for the invocation is linked.
 */
function placeOf(properties: Readonly<Record<string, unknown>>, context: InvocationContext) {
  const host = hostsContext(context);
  const message = toContext(properties['traceparent'] ?? properties['Diagnostic-Id'], properties['tracestate']);
  const of = trace.getSpanContext(message)?.traceId;
  if (of === undefined || of === trace.getSpanContext(host)?.traceId) return { parent: host };
  return { parent: message, links: linksTo(host) };
}

function linksTo(context: Context): Link[] {
  const linked = trace.getSpanContext(context);
  return linked === undefined ? [] : [{ context: linked }];
}

/** The message as it goes out: below what it was put for, with its own place for whoever reads it. */
function beginSending(message: OutgoingMessage): { readonly span: Span; readonly message: OutgoingMessage } {
  const { traceparent, tracestate, ...headers } = message.headers;
  const parent = toContext(traceparent, tracestate);
  const attributes = {
    ...messagingAttributes(message.topic, message.id),
    'messaging.operation.type': 'send',
    ...orderOf(message.orderingKey),
  };
  const name = `send ${message.topic}`;
  const span = trace.getTracer(NAME).startSpan(name, { kind: SpanKind.PRODUCER, attributes }, parent);
  const carrier: Record<string, string> = {};
  propagation.inject(trace.setSpan(parent, span), carrier);
  // The name that Microsoft's clients know it by.
  if (carrier['traceparent'] !== undefined) carrier['Diagnostic-Id'] = carrier['traceparent'];
  return { span, message: { ...message, headers: { ...headers, ...carrier } } };
}

function invocationAttributes({ functionName, invocationId }: InvocationContext, trigger: string): Attributes {
  return { 'faas.name': functionName, 'faas.invocation_id': invocationId, 'faas.trigger': trigger };
}

function messagingAttributes(address: string, id: string): Attributes {
  return { 'messaging.system': 'servicebus', 'messaging.destination.name': address, 'messaging.message.id': id };
}

function sagaAttributes(saga: string, id: string): Attributes {
  return { [spanAttributes.sagaName]: saga, [spanAttributes.sagaId]: id, ...orderOf(id) };
}

/** Of an order's id, or a return's, which begins with its order's; nothing of any other text. */
export function orderOf(id: string | undefined): Attributes {
  const { data } = orderIdSchema.safeParse(id?.split('.', 1)[0]);
  return data === undefined ? {} : { [spanAttributes.orderId]: data };
}

/** What kind of error, and where; its message may hold what somebody sent us. */
function noteError(span: Span, error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const type = typeof code === 'string' ? code : name;
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  span.recordException({ name, code: type, stack: [name, ...frames].join('\n') });
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}
