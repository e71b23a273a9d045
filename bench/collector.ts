/** A collector that takes what OpenTelemetry's exporters send (OTLP over HTTP, in protobuf), counts the spans and forgets them. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Collector {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT says. */
  readonly url: string;
  spans(): number;
  bytes(): number;
  stop(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  let spans = 0;
  let bytes = 0;
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      bytes += body.length;
      if (request.url === '/v1/traces') spans += countSpans(body);
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => spans,
    bytes: () => bytes,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Resources are field 1 of a request, scopes field 2 of a resource, spans field 2 of a scope. */
function countSpans(body: Uint8Array): number {
  let spans = 0;
  for (const resource of parts(body, 1)) for (const scope of parts(resource, 2)) spans += parts(scope, 2).length;
  return spans;
}

/** What is in field `number` of a message of protobuf whose fields all have a length, as those above spans have. */
function parts(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('expected a protobuf message, got one that ends too early');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if (tag % 8 !== 2) throw new RangeError(`expected a field with a length, got wire type ${tag % 8}`);
    const length = varint();
    if (Math.floor(tag / 8) === number) found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}
