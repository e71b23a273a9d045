/**
 * Spans over OTLP (protobuf over HTTP), by OpenTelemetry's SDK. The only file that loads the SDK, and it is loaded by
 * nothing but the first span. Endpoint, headers, timeout, compression, batches, service name and resource attributes are
 * read from the environment by the SDK itself, as in every other program with it.
 */
import {
  createTraceState,
  SpanKind,
  SpanStatusCode,
  type HrTime,
  type Link,
  type SpanContext,
} from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { flagsOf, spanIdOf, traceIdOf, traceStateOf, withSpan, type Trace } from './trace-context';
import type { Span, SpanSink } from './tracer';

export interface OtlpSinkOptions {
  /** `service.name` unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` has one. */
  readonly serviceName: string;
  /** Told when spans could not be sent, once in a row for the same reason. */
  readonly failed: (reason: string) => void;
}

export function openOtlpSink({ serviceName, failed }: OtlpSinkOptions): SpanSink {
  const resource = resourceFromAttributes({ 'service.name': serviceName, 'process.pid': process.pid }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const processor = new BatchSpanProcessor(noteFailures(new OTLPTraceExporter(), failed));
  return {
    add: (span) => processor.onEnd(toReadable(span, resource)),
    // What can't be sent has been told of.
    close: () => processor.shutdown().catch(() => undefined),
  };
}

function noteFailures(exporter: SpanExporter, failed: (reason: string) => void): SpanExporter {
  let told: string | undefined;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const reason =
          result.code === ExportResultCode.SUCCESS ? undefined : (result.error?.message ?? 'no reason given');
        if (reason !== undefined && reason !== told) failed(reason);
        told = reason;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

const kinds: Readonly<Record<Span['kind'], SpanKind>> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

function toReadable(span: Span, resource: Resource): ReadableSpan {
  const { name, kind, scope, trace, parentSpanId, startAt, endAt, error, links = [] } = span;
  const own = toSpanContext(trace);
  const parent =
    parentSpanId === undefined ? undefined : { ...toSpanContext(withSpan(trace, parentSpanId)), isRemote: true };
  return {
    name,
    kind: kinds[kind],
    spanContext: () => own,
    ...(parent !== undefined && { parentSpanContext: parent }),
    startTime: toHrTime(startAt),
    endTime: toHrTime(endAt),
    duration: toHrTime(Math.max(0, endAt - startAt)),
    status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes: span.attributes,
    links: links.map((link): Link => ({ context: toSpanContext(link) })),
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: scope },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function toSpanContext(trace: Trace): SpanContext {
  const state = traceStateOf(trace);
  return {
    traceId: traceIdOf(trace),
    spanId: spanIdOf(trace),
    traceFlags: Number.parseInt(flagsOf(trace), 16),
    ...(state !== '' && { traceState: createTraceState(state) }),
  };
}

function toHrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
