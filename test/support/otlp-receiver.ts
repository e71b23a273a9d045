import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { double, hex, integer, messages, readFields, text } from './protobuf';
import type { Fields } from './protobuf';
import { until } from './running-app';

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ReceivedSpan {
  /** `service.name` of whoever sent it. */
  readonly service: string;
  readonly scope: string;
  readonly traceId: string;
  readonly spanId: string;
  /** '' where there is none. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly events: readonly { readonly name: string; readonly attributes: Attributes }[];
  readonly failed: boolean;
}

/** A point of a measure; of a histogram, its count and sum. */
export interface ReceivedPoint {
  readonly name: string;
  readonly attributes: Attributes;
  readonly value: number;
  readonly count: number;
}

/** A collector that keeps what it gets: OTLP over HTTP in protobuf. */
export interface OtlpReceiver {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT says. */
  readonly url: string;
  spans(): readonly ReceivedSpan[];
  /** Latest points first. */
  points(name: string): readonly ReceivedPoint[];
  /** Resolves when `found` gives something of what has come; rejects with `what` when that takes too long. */
  waitFor<T>(what: string, found: (receiver: OtlpReceiver) => T | undefined): Promise<T>;
  stop(): Promise<void>;
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const points: ReceivedPoint[] = [];
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      if (request.url === '/v1/traces') spans.push(...readSpans(body));
      else if (request.url === '/v1/metrics') points.unshift(...readPoints(body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    points: (name) => points.filter((point) => point.name === name),
    waitFor: async (what, found) => until(what, 30_000, () => found(receiver)),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}

async function read(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function readSpans(body: Uint8Array): ReceivedSpan[] {
  return messages(readFields(body), 1).flatMap((resource) => {
    const service = String(attributesOf(messages(resource, 1)[0] ?? new Map(), 1)['service.name']);
    return messages(resource, 2).flatMap((scope) => {
      const name = messages(scope, 1).map((about) => text(about, 1))[0] ?? '';
      return messages(scope, 2).map((span) => toSpan(span, service, name));
    });
  });
}

function toSpan(span: Fields, service: string, scope: string): ReceivedSpan {
  return {
    service,
    scope,
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: kinds[integer(span, 6)] ?? 'internal',
    attributes: attributesOf(span, 9),
    events: messages(span, 11).map((event) => ({ name: text(event, 2), attributes: attributesOf(event, 3) })),
    links: messages(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    failed: messages(span, 15).some((status) => integer(status, 3) === 2),
  };
}

/** Field 5 of a metric is a gauge, 7 a sum, 9 a histogram. */
function readPoints(body: Uint8Array): ReceivedPoint[] {
  const metrics = messages(readFields(body), 1).flatMap((resource) =>
    messages(resource, 2).flatMap((scope) => messages(scope, 2)),
  );
  return metrics.flatMap((metric) => {
    const name = text(metric, 1);
    const numbers = [...messages(metric, 5), ...messages(metric, 7)].flatMap((data) => messages(data, 1));
    const histograms = messages(metric, 9).flatMap((data) => messages(data, 1));
    return [
      ...numbers.map((point) => ({
        name,
        attributes: attributesOf(point, 7),
        value: point.has(4) ? double(point, 4) : integer(point, 6),
        count: 1,
      })),
      ...histograms.map((point) => ({
        name,
        attributes: attributesOf(point, 9),
        value: double(point, 5),
        count: integer(point, 4),
      })),
    ];
  });
}

function attributesOf(fields: Fields, number: number): Attributes {
  return Object.fromEntries(
    messages(fields, number).map((pair) => [text(pair, 1), valueOf(messages(pair, 2)[0] ?? new Map())]),
  );
}

function valueOf(value: Fields): string | number | boolean | undefined {
  if (value.has(1)) return text(value, 1);
  if (value.has(2)) return integer(value, 2) === 1;
  if (value.has(3)) return integer(value, 3);
  return value.has(4) ? double(value, 4) : undefined;
}
