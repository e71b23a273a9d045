import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** What is read of export requests of OTLP, by the field numbers of its specification. */
const schema = `
syntax = "proto3";
message Traces { repeated ResourceSpans resources = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopes = 2; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  repeated Event events = 11; repeated Link links = 13; Status status = 15;
}
message Event { string name = 2; repeated KeyValue attributes = 3; }
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }

message Metrics { repeated ResourceMetrics resources = 1; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scopes = 2; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message Metric { string name = 1; Numbers gauge = 5; Numbers sum = 7; Histogram histogram = 9; }
message Numbers { repeated NumberPoint points = 1; }
message NumberPoint { double as_double = 4; sfixed64 as_int = 6; repeated KeyValue attributes = 7; }
message Histogram { repeated HistogramPoint points = 1; }
message HistogramPoint { fixed64 count = 4; double sum = 5; repeated KeyValue attributes = 9; }

message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; }
}
message ArrayValue { repeated AnyValue values = 1; }
`;

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

type Attributes = Readonly<Record<string, unknown>>;

export interface ReceivedSpan {
  readonly name: string;
  readonly kind: (typeof kinds)[number];
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly traceState: string;
  /** Milliseconds since the Unix epoch. */
  readonly startAt: number;
  readonly endAt: number;
  readonly attributes: Attributes;
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly error: string | undefined;
  readonly scope: string;
  readonly resource: Attributes;
}

/** A point of a measure; of a histogram, its count and sum. */
export interface ReceivedPoint {
  readonly name: string;
  readonly attributes: Attributes;
  readonly value: number;
  readonly count: number;
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** All spans so far, in the order in which they came. */
  spans(): readonly ReceivedSpan[];
  /** All points of a measure so far, the latest first. */
  points(name: string): readonly ReceivedPoint[];
  /** Headers of the last request. */
  headers(): IncomingHttpHeaders;
  /** From now on requests are answered like this (503: the sender tries again; 400: it gives up). */
  answerWith(status: number): void;
  stop(): Promise<void>;
}

/** A small receiver of OTLP's traces and metrics (protobuf over HTTP) on 127.0.0.1. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const { root } = protobuf.parse(schema, { keepCase: true });
  const [traces, metrics] = [root.lookupType('Traces'), root.lookupType('Metrics')];
  const spans: ReceivedSpan[] = [];
  const points: ReceivedPoint[] = [];
  const takes: Readonly<Record<string, (body: Buffer) => void>> = {
    '/v1/traces': (body) => void spans.push(...toSpans(decode(traces, body))),
    '/v1/metrics': (body) => void points.unshift(...toPoints(decode(metrics, body))),
  };
  let headers: IncomingHttpHeaders = {};
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      headers = request.headers;
      const body = Buffer.concat(chunks);
      const take = takes[request.url ?? ''];
      if (status === 200) take?.(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      response.writeHead(take ? status : 404).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => [...spans],
    points: (name) => points.filter((point) => point.name === name),
    headers: () => headers,
    answerWith: (next) => {
      status = next;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface KeyValue {
  readonly key: string;
  readonly value?: Readonly<Record<string, unknown>>;
}

interface Described {
  readonly attributes?: readonly KeyValue[];
}

interface TracesMessage {
  readonly resources?: readonly {
    readonly resource?: Described;
    readonly scopes?: readonly {
      readonly scope?: { readonly name?: string };
      readonly spans?: readonly SpanMessage[];
    }[];
  }[];
}

interface SpanMessage extends Described {
  readonly trace_id: Uint8Array;
  readonly span_id: Uint8Array;
  readonly parent_span_id?: Uint8Array;
  readonly trace_state?: string;
  readonly name: string;
  readonly kind?: number;
  readonly start_time_unix_nano: string;
  readonly end_time_unix_nano: string;
  readonly events?: readonly (Described & { readonly name?: string })[];
  readonly links?: readonly { readonly trace_id: Uint8Array; readonly span_id: Uint8Array }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

interface Numbers {
  readonly points?: readonly (Described & { readonly as_double?: number; readonly as_int?: string })[];
}

interface MetricsMessage {
  readonly resources?: readonly {
    readonly scopes?: readonly {
      readonly metrics?: readonly {
        readonly name: string;
        readonly gauge?: Numbers;
        readonly sum?: Numbers;
        readonly histogram?: {
          readonly points?: readonly (Described & { readonly count?: string; readonly sum?: number })[];
        };
      }[];
    }[];
  }[];
}

function decode(type: protobuf.Type, body: Buffer): object {
  return type.toObject(type.decode(body), { longs: String });
}

function toSpans({ resources = [] }: TracesMessage): ReceivedSpan[] {
  return resources.flatMap(({ resource, scopes = [] }) =>
    scopes.flatMap(({ scope, spans = [] }) =>
      spans.map((span) => ({
        name: span.name,
        kind: kinds[span.kind ?? 0] ?? 'unspecified',
        traceId: toHex(span.trace_id),
        spanId: toHex(span.span_id),
        parentSpanId: toHex(span.parent_span_id),
        traceState: span.trace_state ?? '',
        startAt: Number(BigInt(span.start_time_unix_nano) / 1_000_000n),
        endAt: Number(BigInt(span.end_time_unix_nano) / 1_000_000n),
        attributes: toRecord(span),
        events: (span.events ?? []).map((event) => ({ name: event.name ?? '', attributes: toRecord(event) })),
        links: (span.links ?? []).map((link) => ({ traceId: toHex(link.trace_id), spanId: toHex(link.span_id) })),
        error: span.status?.code === 2 ? (span.status.message ?? '') : undefined,
        scope: scope?.name ?? '',
        resource: toRecord(resource),
      })),
    ),
  );
}

function toPoints({ resources = [] }: MetricsMessage): ReceivedPoint[] {
  const metrics = resources.flatMap(({ scopes = [] }) => scopes.flatMap((scope) => scope.metrics ?? []));
  return metrics.flatMap(({ name, gauge, sum, histogram }) => [
    ...[...(gauge?.points ?? []), ...(sum?.points ?? [])].map((point) => ({
      name,
      attributes: toRecord(point),
      value: point.as_double ?? Number(point.as_int ?? 0),
      count: 1,
    })),
    ...(histogram?.points ?? []).map((point) => ({
      name,
      attributes: toRecord(point),
      value: point.sum ?? 0,
      count: Number(point.count ?? 0),
    })),
  ]);
}

function toHex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
}

function toRecord({ attributes = [] }: Described = {}): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value ?? {})]));
}

function toValue(value: Readonly<Record<string, unknown>>): unknown {
  const [name, content] = Object.entries(value)[0] ?? [];
  return name === 'int_value' ? Number(content) : content;
}
