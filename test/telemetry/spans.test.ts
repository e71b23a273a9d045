import { InvocationContext } from '@azure/functions';
import { SpanKind, context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HttpRequest } from '@azure/functions';
import { createSpans } from '../../src/telemetry/spans';
import { receivedMessage } from '../support/received-message';

const exporter = new InMemorySpanExporter();
const spans = createSpans(async () => undefined);

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
afterEach(() => exporter.reset());
afterAll(() => {
  for (const api of [context, propagation, trace]) api.disable();
});

const HOSTS = { traceId: 'a'.repeat(32), spanId: 'a'.repeat(16) };
const SENDERS = { traceId: 'b'.repeat(32), spanId: 'b'.repeat(16) };
const parentOf = ({ traceId, spanId }: typeof HOSTS): string => `00-${traceId}-${spanId}-01`;

/** An invocation that the host has a span for. */
const invocation = (traceParent: string | undefined = parentOf(HOSTS)): InvocationContext =>
  new InvocationContext({
    invocationId: 'i-1',
    functionName: 'reads',
    ...(traceParent && { traceContext: { traceParent } }),
  });

const request = (params: Record<string, string> = {}): HttpRequest =>
  new HttpRequest({ method: 'POST', url: 'http://localhost/api/orders/o1/cancel?secret=1', params });

describe("a handler's span", () => {
  const cancel = { name: 'cancelOrder', route: 'orders/{orderId}/cancel' };

  it("stands below the host's, says what was called, and is what the handler's own calls stand below", async () => {
    const seen: unknown[] = [];
    const handler = spans.http(cancel, async () => {
      await Promise.resolve();
      seen.push(spans.headers()['traceparent']);
      return { status: 204 };
    });
    await handler(request({ orderId: 'o1' }), invocation());
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({ name: 'cancelOrder', parentSpanContext: HOSTS, status: { code: 0 } });
    expect(seen).toEqual([`00-${HOSTS.traceId}-${span!.spanContext().spanId}-01`]);
    expect(span!.attributes).toEqual({
      'faas.name': 'reads',
      'faas.invocation_id': 'i-1',
      'faas.trigger': 'http',
      'http.request.method': 'POST',
      'http.route': 'orders/{orderId}/cancel',
      'http.response.status_code': 204,
      'order.id': 'o1',
    });
  });

  it('names the order of a return, and no order for what is no id of one', async () => {
    const handler = spans.http(cancel, async () => ({}));
    await handler(request({ returnId: 'o1.r7' }), invocation());
    await handler(request({ orderId: '../etc' }), invocation());
    const [ofReturn, ofNothing] = exporter.getFinishedSpans();
    expect(ofReturn!.attributes).toMatchObject({ 'order.id': 'o1', 'http.response.status_code': 200 });
    expect(ofNothing!.attributes).not.toHaveProperty('order.id');
  });

  it('begins a trace where the host has none', async () => {
    await spans.http(cancel, async () => ({}))(request(), invocation(''));
    expect(exporter.getFinishedSpans()[0]!.parentSpanContext).toBeUndefined();
  });

  it('is failed by an answer that is our fault, not by one that is the caller’s', async () => {
    for (const status of [503, 404]) await spans.http(cancel, async () => ({ status }))(request(), invocation());
    expect(exporter.getFinishedSpans().map(({ status }) => status.code)).toEqual([2, 0]);
  });

  it('is failed by an error, which goes on, and tells its kind and place but not what it says', async () => {
    const error = Object.assign(new RangeError('card 4242 of maria@example.com'), { code: 'ECONNRESET' });
    const handler = spans.http(cancel, async () => Promise.reject(error));
    await expect(handler(request(), invocation())).rejects.toBe(error);
    const { status, attributes, events, name } = exporter.getFinishedSpans()[0]!;
    expect(status).toEqual({ code: 2, message: 'ECONNRESET' });
    expect(attributes['error.type']).toBe('ECONNRESET');
    expect(events).toMatchObject([{ name: 'exception', attributes: { 'exception.type': 'ECONNRESET' } }]);
    expect(events[0]!.attributes!['exception.stacktrace']).toMatch(/^RangeError\n\s+at .*spans\.test\.ts/);
    expect(JSON.stringify({ name, status, attributes, events })).not.toMatch(/4242|maria/);
  });
});

describe('the span of a timer or an uploaded file', () => {
  it("stands below the host's, by the function's name, and gives back what the handler does", async () => {
    const handler = spans.invoked('timer', async (due: number) => {
      await Promise.resolve();
      return [due, trace.getActiveSpan()?.spanContext().traceId];
    });
    expect(await handler(7, invocation())).toEqual([7, HOSTS.traceId]);
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({ name: 'reads', kind: SpanKind.INTERNAL, parentSpanContext: HOSTS });
    expect(span!.attributes).toEqual({ 'faas.name': 'reads', 'faas.invocation_id': 'i-1', 'faas.trigger': 'timer' });
  });

  it('is failed by an error, which goes on', async () => {
    const handler = spans.invoked('datasource', () => Promise.reject(new RangeError('no')));
    await expect(handler('', invocation())).rejects.toThrow('no');
    expect(exporter.getFinishedSpans()).toMatchObject([
      { status: { code: 2 }, attributes: { 'error.type': 'RangeError', 'faas.trigger': 'datasource' } },
    ]);
  });
});

describe("a message's span", () => {
  const source = { address: 'order-events', subscription: 'analytics' };
  const handler = spans.message(source, async () => 'done');

  it("stands below the host's where the host follows the message's trace", async () => {
    const follows = { traceId: SENDERS.traceId, spanId: HOSTS.spanId };
    const message = receivedMessage({}, { properties: { traceparent: parentOf(SENDERS) }, correlationId: 'o1' });
    expect(await handler(message, invocation(parentOf(follows)))).toBe('done');
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({
      name: 'process order-events/analytics',
      kind: SpanKind.INTERNAL,
      parentSpanContext: follows,
      links: [],
    });
    expect(span!.attributes).toMatchObject({
      'messaging.system': 'servicebus',
      'messaging.destination.name': 'order-events',
      'messaging.destination.subscription.name': 'analytics',
      'messaging.message.id': 'message-1',
      'messaging.operation.type': 'process',
      'order.id': 'o1',
    });
  });

  it.each(['traceparent', 'Diagnostic-Id'])(
    "stands below the sender's, by its property %s, with a link to the host's, where the host does not follow it",
    async (property) => {
      await handler(receivedMessage({}, { properties: { [property]: parentOf(SENDERS) } }), invocation());
      const [span] = exporter.getFinishedSpans();
      expect(span).toMatchObject({ parentSpanContext: SENDERS, links: [{ context: HOSTS }] });
    },
  );

  it.each([undefined, 'nonsense', 7])("stands below the host's where its message says %p", async (traceparent) => {
    await handler(receivedMessage({}, { properties: { traceparent } }), invocation());
    expect(exporter.getFinishedSpans()[0]).toMatchObject({ parentSpanContext: HOSTS, links: [] });
  });
});

describe('publishing', () => {
  const message = (headers: Record<string, string>) => ({
    id: 'e1',
    topic: 'order-events',
    payload: { secret: 1 },
    orderingKey: 'o1',
    headers: { subject: 'order.accepted', ...headers },
    putAt: new Date(0),
    attempt: 1,
  });

  it('sends a message on from what it was put for, under both names that readers look for', async () => {
    const sent: unknown[] = [];
    const publisher = spans.publishing({
      async publish(messages) {
        sent.push(...messages.map(({ headers }) => headers));
        return messages.map(() => ({ ok: true }) as const);
      },
    });
    await publisher.publish([message({ traceparent: parentOf(SENDERS) })]);
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({
      name: 'send order-events',
      kind: SpanKind.PRODUCER,
      parentSpanContext: SENDERS,
      status: { code: 0 },
    });
    expect(span!.attributes).toMatchObject({ 'messaging.message.id': 'e1', 'order.id': 'o1' });
    const place = `00-${SENDERS.traceId}-${span!.spanContext().spanId}-01`;
    expect(sent).toEqual([{ subject: 'order.accepted', traceparent: place, 'Diagnostic-Id': place }]);
  });

  it('fails the span of the message that was not taken', async () => {
    const publisher = spans.publishing({
      publish: async () => [{ ok: true }, { ok: false, error: 'order-events: no such topic' }],
    });
    await publisher.publish([message({}), message({})]);
    expect(exporter.getFinishedSpans().map(({ status }) => status.code)).toEqual([0, 2]);
  });

  it('ends its spans though the broker is away', async () => {
    const publisher = spans.publishing({ publish: async () => Promise.reject(new Error('no connection')) });
    await expect(publisher.publish([message({})])).rejects.toThrow('no connection');
    expect(exporter.getFinishedSpans()).toMatchObject([{ status: { code: 2 } }]);
  });
});

describe('starting a saga', () => {
  it('is in the trace of whoever starts it', async () => {
    const active: (string | undefined)[] = [];
    const starter = spans.starting('placeOrder', {
      start: async () => void active.push(trace.getActiveSpan()?.spanContext().traceId),
    });
    const place = spans.http({ name: 'placeOrderByHttp', route: 'orders' }, async () => {
      await starter.here.start({}, 'o1');
      return {};
    });
    await place(request(), invocation());
    expect(active).toEqual([HOSTS.traceId]);
  });

  it('has a trace of its own, linked to the starter’s, where many are started', async () => {
    const active: (string | undefined)[] = [];
    const starter = spans.starting('placeOrder', {
      start: async () => void active.push(trace.getActiveSpan()?.spanContext().traceId),
    });
    const place = spans.http({ name: 'import', route: 'x' }, async () => {
      for (const id of ['o1', 'o2']) await starter.apart.start({}, id);
      return {};
    });
    await place(request(), invocation());
    const [first, second, starting] = exporter.getFinishedSpans();
    expect(new Set([...active, HOSTS.traceId]).size).toBe(3);
    for (const span of [first, second]) {
      expect(span!.parentSpanContext).toBeUndefined();
      expect(span!.links).toMatchObject([{ context: { spanId: starting!.spanContext().spanId } }]);
    }
    expect(first).toMatchObject({ name: 'start placeOrder', attributes: { 'saga.id': 'o1', 'order.id': 'o1' } });
  });
});
