import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { URL } from 'node:url';

/** What a durable client can ask of the instances behind a front. */
export interface Fronted {
  readonly now: number;
  /** The management API's answer about an instance; undefined when there is none. */
  describe(id: string, options: { readonly history: boolean }): object | undefined;
  raiseEvent(id: string, name: string, payload: unknown): Promise<void>;
  startNew(name: string, options: { readonly instanceId: string; readonly input: unknown }): Promise<string>;
}

/** The HTTP API that a durable client talks to, for activities that use the client. Keeps no process from ending. */
export class DurableFront {
  /** What the host's client binding gives to a function. */
  readonly clientInput: object;

  private constructor(url: string) {
    const statusQueryGetUri = `${url}/instances/INSTANCEID?code=key`;
    this.clientInput = {
      taskHubName: 'hub',
      creationUrls: {},
      managementUrls: { id: 'INSTANCEID', statusQueryGetUri },
      rpcBaseUrl: `${url}/`,
    };
  }

  static async open(fronted: Fronted): Promise<DurableFront> {
    const server = createServer((request, response) => {
      void text(request).then(async (body) => {
        const answer = await answerTo(fronted, request.method ?? 'GET', request.url ?? '/', body);
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
      });
    });
    server.on('connection', (socket) => socket.unref());
    server.unref();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new DurableFront(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
}

async function answerTo(
  fronted: Fronted,
  method: string,
  target: string,
  body: string,
): Promise<{ readonly status: number; readonly body: object }> {
  const { pathname, searchParams } = new URL(target, 'http://host');
  const [, room, ...parts] = pathname.split('/').map(decodeURIComponent);
  const [id = '', verb, event = ''] = parts;
  if (method === 'GET' && room === 'instances') {
    const found = fronted.describe(id, { history: searchParams.get('showHistory') === 'true' });
    return found === undefined ? { status: 404, body: {} } : { status: 200, body: found };
  }
  if (method === 'POST' && room === 'instances' && verb === 'raiseEvent') {
    if (fronted.describe(id, { history: false }) === undefined) return { status: 404, body: {} };
    await fronted.raiseEvent(id, event, JSON.parse(body));
    return { status: 202, body: {} };
  }
  if (method === 'POST' && room === 'orchestrators') {
    try {
      const started = await fronted.startNew(id, { instanceId: verb ?? '', input: JSON.parse(body) });
      return { status: 202, body: { id: started } };
    } catch {
      return { status: 409, body: {} };
    }
  }
  return { status: 400, body: { message: `not understood: ${method} ${target}` } };
}
