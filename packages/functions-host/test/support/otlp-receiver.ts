import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** What is read of an export request of OTLP's traces, by the field numbers of its specification. */
const schema = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message Scope { string name = 1; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  repeated Link links = 13; Status status = 15;
}
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; }
}
message ArrayValue { repeated AnyValue values = 1; }
`;

const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

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
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly error: string | undefined;
  readonly scope: string;
  readonly resource: Readonly<Record<string, unknown>>;
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** All spans so far, in the order in which they came. */
  spans(): readonly ReceivedSpan[];
  /** Headers of the last request. */
  headers(): IncomingHttpHeaders;
  /** From now on requests are answered like this (503: the sender tries again; 400: it gives up). */
  answerWith(status: number): void;
  stop(): Promise<void>;
}

/** A small receiver of OTLP's traces (protobuf over HTTP) on 127.0.0.1. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const type = protobuf.parse(schema, { keepCase: true }).root.lookupType('ExportTraceServiceRequest');
  const spans: ReceivedSpan[] = [];
  let headers: IncomingHttpHeaders = {};
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      headers = request.headers;
      const body = Buffer.concat(chunks);
      if (status === 200 && request.url === '/v1/traces') {
        spans.push(...toSpans(type, headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
      }
      response.writeHead(request.url === '/v1/traces' ? status : 404).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => [...spans],
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
  readonly value: Readonly<Record<string, unknown>>;
}

interface Decoded {
  readonly resource_spans?: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scope_spans?: readonly {
      readonly scope?: { readonly name?: string };
      readonly spans?: readonly {
        readonly trace_id: Uint8Array;
        readonly span_id: Uint8Array;
        readonly parent_span_id?: Uint8Array;
        readonly trace_state?: string;
        readonly name: string;
        readonly kind?: number;
        readonly start_time_unix_nano: string;
        readonly end_time_unix_nano: string;
        readonly attributes?: readonly KeyValue[];
        readonly links?: readonly { readonly trace_id: Uint8Array; readonly span_id: Uint8Array }[];
        readonly status?: { readonly code?: number; readonly message?: string };
      }[];
    }[];
  }[];
}

function toSpans(type: protobuf.Type, body: Buffer): ReceivedSpan[] {
  const decoded = type.toObject(type.decode(body), { longs: String }) as Decoded;
  const spans: ReceivedSpan[] = [];
  for (const { resource, scope_spans: scopes = [] } of decoded.resource_spans ?? []) {
    for (const { scope, spans: ofScope = [] } of scopes) {
      for (const span of ofScope) {
        spans.push({
          name: span.name,
          kind: kinds[span.kind ?? 0] ?? 'unspecified',
          traceId: toHex(span.trace_id),
          spanId: toHex(span.span_id),
          parentSpanId: toHex(span.parent_span_id),
          traceState: span.trace_state ?? '',
          startAt: Number(BigInt(span.start_time_unix_nano) / 1_000_000n),
          endAt: Number(BigInt(span.end_time_unix_nano) / 1_000_000n),
          attributes: toRecord(span.attributes),
          links: (span.links ?? []).map((link) => ({ traceId: toHex(link.trace_id), spanId: toHex(link.span_id) })),
          error: span.status?.code === 2 ? (span.status.message ?? '') : undefined,
          scope: scope?.name ?? '',
          resource: toRecord(resource?.attributes),
        });
      }
    }
  }
  return spans;
}

function toHex(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('hex');
}

function toRecord(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, toValue(value)]));
}

function toValue(value: Readonly<Record<string, unknown>>): unknown {
  const [name, content] = Object.entries(value)[0] ?? [];
  return name === 'int_value' ? Number(content) : content;
}
