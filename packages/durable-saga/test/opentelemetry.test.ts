import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { StepFailure } from '../src';
import type { AttemptEnd, ObservedAttempt } from '../src';
import { failureFromThrown } from '../src/definition/failure';
import { observeWithOpenTelemetry } from '../src/opentelemetry';

const spans = new InMemorySpanExporter();
const measures = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: measures });
const meters = new MeterProvider({ readers: [reader] });

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  metrics.setGlobalMeterProvider(meters);
});
afterEach(() => spans.reset());
afterAll(async () => {
  await meters.shutdown();
  for (const api of [context, propagation, trace, metrics]) api.disable();
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

const attempt: ObservedAttempt = {
  saga: 'buy',
  version: '3',
  instanceId: 'b1',
  activity: 'pay',
  undo: false,
  key: 'b1/pay#1',
  attempt: 1,
  invocation: {
    functionName: 'pay',
    invocationId: 'i-1',
    traceParent: `00-${TRACE}-${PARENT}-01`,
    traceState: 'a=b',
  },
  causes: [],
};
const ok: AttemptEnd = { ok: true };
const failedWith = (thrown: unknown): AttemptEnd => ({ ok: false, failure: failureFromThrown(thrown) });

describe('the observer for OpenTelemetry', () => {
  it("makes a span below the host's, with saga and step, in which the attempt runs", async () => {
    const observer = observeWithOpenTelemetry({ attributes: ({ instanceId }) => ({ 'order.id': instanceId }) });
    let active: string | undefined;
    await observer.attempt(attempt, async () => {
      await Promise.resolve();
      active = trace.getActiveSpan()?.spanContext().spanId;
      return ok;
    });
    const [span] = spans.getFinishedSpans();
    expect(span).toMatchObject({ name: 'pay', parentSpanContext: { traceId: TRACE, spanId: PARENT, isRemote: true } });
    expect(span!.spanContext()).toMatchObject({ traceId: TRACE, spanId: active });
    expect(span!.status.code).toBe(0);
    expect(span!.attributes).toEqual({
      'saga.name': 'buy',
      'saga.version': '3',
      'saga.id': 'b1',
      'saga.step': 'pay#1',
      'saga.attempt': 1,
      'saga.undo': false,
      'order.id': 'b1',
      'faas.name': 'pay',
      'faas.invocation_id': 'i-1',
    });
  });

  it('links an attempt to who made the saga go on to it, and ignores what is no place in a trace', async () => {
    const cause = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;
    await observeWithOpenTelemetry().attempt({ ...attempt, causes: ['nowhere', cause] }, async () => ok);
    const [span] = spans.getFinishedSpans();
    expect(span!.links.map((link) => link.context)).toMatchObject([
      { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) },
    ]);
    expect(span).toMatchObject({ parentSpanContext: { traceId: TRACE } });
  });

  it("says on a client's span what it does to which saga, links it to the saga's trace, and tells its place", () => {
    const observer = observeWithOpenTelemetry({ attributes: ({ instanceId }) => ({ 'order.id': instanceId }) });
    const about = { saga: 'buy', instanceId: 'b1', event: 'approval', startedIn: `00-${TRACE}-${PARENT}-01` };
    expect(observer.contact?.(about)).toBeUndefined();
    const told = trace.getTracer('test').startActiveSpan('POST approval', (span) => {
      const place = observer.contact?.(about);
      span.end();
      return place;
    });
    const [span] = spans.getFinishedSpans();
    const { traceId, spanId } = span!.spanContext();
    expect(told).toBe(`00-${traceId}-${spanId}-01`);
    expect(span!.attributes).toEqual({
      'saga.name': 'buy',
      'saga.id': 'b1',
      'saga.event': 'approval',
      'order.id': 'b1',
    });
    expect(span!.links.map((link) => link.context)).toMatchObject([{ traceId: TRACE, spanId: PARENT }]);
  });

  it("does not link a client's span to its own trace", () => {
    const observer = observeWithOpenTelemetry();
    trace.getTracer('test').startActiveSpan('both', (span) => {
      const { traceId } = span.spanContext();
      const startedIn = `00-${traceId}-${PARENT}-01`;
      observer.contact?.({ saga: 'buy', instanceId: undefined, event: undefined, startedIn });
      span.end();
    });
    expect(spans.getFinishedSpans()[0]).toMatchObject({ links: [], attributes: { 'saga.name': 'buy' } });
  });

  it('tells undos from steps', async () => {
    await observeWithOpenTelemetry().attempt({ ...attempt, undo: true }, async () => ok);
    expect(spans.getFinishedSpans()[0]).toMatchObject({ name: 'undo pay', attributes: { 'saga.undo': true } });
  });

  it('says by which code an attempt failed, and nothing of what the failure says', async () => {
    await observeWithOpenTelemetry().attempt(attempt, async () => failedWith(new TypeError('card 4242 4242')));
    const [span] = spans.getFinishedSpans();
    expect(span).toMatchObject({
      status: { code: 2 },
      attributes: { 'saga.failure.code': 'error', 'saga.failure.effect': 'unknown', 'error.type': 'error' },
    });
    const { name, attributes, events, status } = span!;
    expect(JSON.stringify({ name, attributes, events, status })).not.toContain('4242');
  });

  it('does not call a foreseen refusal an error', async () => {
    const declined = new StepFailure({ code: 'declined', message: 'no', effect: 'none' });
    await observeWithOpenTelemetry().attempt(attempt, async () => failedWith(declined));
    expect(spans.getFinishedSpans()[0]).toMatchObject({
      status: { code: 0 },
      attributes: { 'saga.failure.code': 'declined', 'saga.failure.kind': 'declared' },
    });
  });

  it('waits for an SDK that is still being loaded', async () => {
    let load: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (load = resolve));
    let ran = false;
    const observing = observeWithOpenTelemetry({ ready: () => ready }).attempt(attempt, async () => {
      ran = true;
      return ok;
    });
    await Promise.resolve();
    expect(ran).toBe(false);
    load();
    await observing;
    expect(spans.getFinishedSpans()).toHaveLength(1);
  });

  it('counts attempts after the first', async () => {
    const observer = observeWithOpenTelemetry();
    for (const number of [1, 2, 3]) await observer.attempt({ ...attempt, attempt: number }, async () => ok);
    await reader.forceFlush();
    const metric = measures.getMetrics().at(-1)?.scopeMetrics[0]?.metrics[0];
    expect(metric).toMatchObject({
      descriptor: { name: 'saga.step.retries' },
      dataPoints: [{ value: 2, attributes: { 'saga.name': 'buy', 'saga.step': 'pay', 'saga.undo': false } }],
    });
  });
});
