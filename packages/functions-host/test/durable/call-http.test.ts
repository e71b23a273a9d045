import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ManagedIdentityTokenSource, type CallHttpOptions, type OrchestrationContext } from 'durable-functions';
import { createVirtualClock } from '../../src/clock-virtual';
import { runHttpActivity } from '../../src/durable/http-activity';
import { toHttpInput } from '../../src/durable/http-request';
import { createMemoryStore } from '../../src/store/memory';
import type { Orchestrator, TestApp } from '../support/durable-app';
import { MODES, START, startTestEngine, type TestEngine } from '../support/test-engine';

type Yields = ReturnType<Orchestrator>;

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content: string;
}

/** A server that notes what it was sent and answers as it is told. */
class TestServer {
  readonly received: Received[] = [];
  answer: (received: Received, response: ServerResponse) => void = (_, response) => response.end();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        const received = { method, url, headers, body: Buffer.concat(chunks).toString() };
        this.received.push(received);
        this.answer(received, response);
      });
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** An app that makes the request of its input and tells the answer, or what it caught. */
const app: TestApp = {
  orchestrators: {
    *http({ df }: OrchestrationContext): Yields {
      try {
        const answer: Response = yield df.callHttp(df.getInput<CallHttpOptions>());
        const { statusCode, headers, content } = answer;
        return { statusCode, headers, content, at: df.currentUtcDateTime.getTime() - START };
      } catch (error) {
        return (error as Error).message.split(' \n ');
      }
    },
    *race({ df }: OrchestrationContext): Yields {
      const asking = df.callHttp(df.getInput<CallHttpOptions>());
      const deadline = df.createTimer(new Date(START + 100_000));
      const winner: unknown = yield df.Task.any([asking, deadline]);
      return [winner === asking, yield df.waitForExternalEvent('end')];
    },
    *identity({ df }: OrchestrationContext): Yields {
      const tokenSource = new ManagedIdentityTokenSource('https://graph.microsoft.com');
      const answer: Response = yield df.callHttp({ method: 'GET', url: df.getInput<string>(), tokenSource });
      return answer.statusCode;
    },
  },
};

describe('callHttp', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = new TestServer();
    await server.start();
  });
  afterEach(() => server.stop());

  describe.each(MODES)('in an orchestration with %s turns', (mode) => {
    const engines: TestEngine[] = [];
    const start = async (more: Parameters<typeof startTestEngine>[1] = {}): Promise<TestEngine> => {
      const host = await startTestEngine(app, { mode, ...more });
      engines.push(host);
      return host;
    };
    afterEach(async () => {
      await Promise.all(engines.splice(0).map(({ engine }) => engine.stop(0)));
    });

    it('sends method, headers and body, and gives status, headers and body back', async () => {
      server.answer = (_, response) => {
        response.writeHead(
          418,
          [
            ['X-Tea', 'green'],
            ['X-tea', 'black'],
            ['Content-Type', 'text/x'],
            ['Via', 'v'],
          ].flat(),
        );
        response.end('{"short":"stout"}');
      };
      const host = await start();
      const url = `${server.url}/pot?a=1`;
      const id = await host.begin('http', { method: 'POST', url, body: { n: 1 }, headers: { 'X-Mine': 'm' } });
      expect(await host.output(id)).toMatchObject({
        statusCode: 418,
        headers: { 'X-Tea': ['green', 'black'], Via: 'v' },
        content: '{"short":"stout"}',
      });
      expect(JSON.stringify(await host.output(id))).not.toContain('Content-');
      expect(server.received).toMatchObject([
        { method: 'POST', url: '/pot?a=1', body: '{"n":1}', headers: { 'x-mine': 'm', 'content-type': 'text/plain' } },
      ]);
    });

    it('asks the location again while the answer is 202, after the pause that it names', async () => {
      server.answer = ({ url }, response) => {
        const n = server.received.length;
        if (url === '/third') response.end('done');
        else if (url === '/second') response.writeHead(202, { location: `${server.url}/third` }).end();
        else response.writeHead(202, { Location: '/second', 'Retry-After': '7' }).end(`no ${n}`);
      };
      const host = await start();
      const headers = { 'x-functions-key': 'secret', 'x-kept': 'k' };
      const id = await host.begin('http', { method: 'POST', url: `${server.url}/first`, body: 'x', headers });
      await host.clock.advance(6_999);
      expect(server.received.map(({ url }) => url)).toEqual(['/first']);
      await host.clock.advance(60_000);
      expect(await host.output(id)).toMatchObject({ statusCode: 200, content: 'done', at: 37_000 });
      const [first, second, third] = server.received;
      expect(first).toMatchObject({ method: 'POST', headers });
      expect([second?.method, second?.url, second?.body, third?.method, third?.url]).toEqual([
        ...['GET', '/second', '', 'GET', '/third'],
      ]);
      expect([second?.headers['x-functions-key'], second?.headers['x-kept']]).toEqual([undefined, 'k']);
    });

    it('gives a 202 back as it is without polling, or without a location', async () => {
      server.answer = ({ url }, response) =>
        response.writeHead(202, url === '/with' ? { location: '/x' } : {}).end('later');
      const host = await start();
      const without = await host.begin('http', { method: 'GET', url: `${server.url}/without` }, 'a');
      const off = await host.begin('http', { method: 'GET', url: `${server.url}/with`, enablePolling: false }, 'b');
      expect([await host.output(without), await host.output(off)]).toMatchObject([
        { statusCode: 202, content: 'later' },
        { statusCode: 202, content: 'later' },
      ]);
      expect(server.received).toHaveLength(2);
    });

    it('fails a request that gets no answer, with what the real host says', async () => {
      const host = await start();
      const gone = new TestServer();
      await gone.start();
      const { url } = gone;
      await gone.stop();
      const [reason, details] = (await host.output(await host.begin('http', { method: 'GET', url }))) as string[];
      expect(reason).toBe(`Connection refused (${new URL(url).host})`);
      expect(JSON.parse(details ?? '')).toMatchObject({ Message: reason });
    });

    it('goes on polling over a restart, and asks again what had no durable answer', async () => {
      let isDone = false;
      server.answer = ({ url }, response) => {
        if (url === '/status' && isDone) response.end('done');
        else response.writeHead(202, { location: '/status', 'retry-after': '10' }).end();
      };
      const store = createMemoryStore();
      const clock = createVirtualClock(START, async () => {
        await Promise.all(engines.map(({ engine }) => engine.idle()));
      });
      let host = await start({ store, clock });
      const id = await host.begin('http', { method: 'GET', url: `${server.url}/first` });
      await host.clock.advance(5_000);
      const restart = async (): Promise<void> => {
        await host.engine.stop(0);
        engines.length = 0;
        host = await start({ store, clock });
        await host.engine.idle();
      };
      await restart();
      await host.clock.advance(5_000);
      expect(server.received.map(({ url }) => url)).toEqual(['/first', '/status']);
      await restart();
      await host.clock.advance(4_000);
      isDone = true;
      await host.clock.advance(6_000);
      expect(await host.output(id)).toMatchObject({ content: 'done', at: 20_000 });
      expect(server.received.map(({ url }) => url)).toEqual(['/first', '/status', '/status']);
    });

    it('can be raced, and waited for beside other tasks', async () => {
      server.answer = (_, response) => response.writeHead(202, { location: '/again', 'retry-after': '40' }).end();
      const host = await start();
      const id = await host.begin('race', { method: 'GET', url: server.url });
      await host.clock.advance(110_000);
      expect(server.received.map(({ url }) => url)).toEqual(['/', '/again', '/again']);
      await host.raise(id, 'end', 'ended');
      expect(await host.output(id)).toEqual([false, 'ended']);
      await host.clock.advance(1_000_000);
      expect(server.received).toHaveLength(3);
    });

    it('sends a token of the identity when the request has a token source', async () => {
      const host = await start();
      expect(await host.output(await host.begin('identity', server.url))).toBe(200);
      expect(server.received[0]?.headers.authorization).toBe('Bearer token of https://graph.microsoft.com/.default');
    });
  });

  describe('as an activity', () => {
    const run = (
      request: Partial<Parameters<typeof toHttpInput>[0]>,
      options: Partial<Parameters<typeof runHttpActivity>[0]> = {},
    ): Promise<unknown> =>
      runHttpActivity(
        { getToken: () => Promise.reject(new Error('there is no identity')), ...options },
        toHttpInput({ method: 'GET', uri: server.url, ...request }),
      ).then((outcome) => ('result' in outcome ? (JSON.parse(outcome.result) as Response) : outcome.failure.reason));

    it('follows redirects, as a GET after a POST', async () => {
      server.answer = ({ url }, response) => {
        if (url === '/end') response.end('end');
        else response.writeHead(url === '/kept' ? 307 : 302, { location: url === '/kept' ? '/changed' : '/end' }).end();
      };
      const post = { method: 'POST', content: 'x', uri: `${server.url}/kept` };
      expect(await run(post)).toMatchObject({ statusCode: 200, content: 'end' });
      expect(server.received.map(({ method, url, body }) => [method, url, body])).toEqual([
        ['POST', '/kept', 'x'],
        ['POST', '/changed', 'x'],
        ['GET', '/end', ''],
      ]);
    });

    it('reads the body in the charset that the answer names, and whatever bytes there are', async () => {
      server.answer = ({ url }, response) => {
        if (url === '/latin') response.writeHead(200, { 'content-type': 'text/plain; charset=iso-8859-1' });
        response.end(Buffer.from(url === '/latin' ? [0xe4] : [0xc3, 0xa4, 0xff, 0x00]));
      };
      expect(await run({ uri: `${server.url}/latin` })).toMatchObject({ content: 'ä' });
      expect(await run({ uri: `${server.url}/bytes` })).toMatchObject({ content: 'ä\ufffd\u0000' });
    });

    it('fails when an answer takes too long, or breaks off', async () => {
      server.answer = ({ url }, response) => {
        if (url === '/breaks') response.destroy();
      };
      expect(await run({}, { timeoutMs: 50 })).toBe(
        'The request was canceled due to the configured HttpClient.Timeout of 0.05 seconds elapsing.',
      );
      expect(await run({ uri: `${server.url}/breaks` })).toMatch(/^An error occurred while sending the request/);
    });

    it.each([
      [{ uri: 'nosuch' }, "callHttp: expected an absolute http or https URL, got 'nosuch'."],
      [{ uri: 'ftp://x' }, "callHttp: expected an absolute http or https URL, got 'ftp://x'."],
      [
        { headers: { 'Content-Type': 'multipart/form-data' } },
        'Multipart content is not supported with CallHttpAsync.',
      ],
      [{ headers: { 'Content-Length': '3' } }, /^callHttp: header 'Content-Length' can't be set/],
      [
        { tokenSource: { kind: 'AzureManagedIdentity', resource: 'https://x' } },
        "callHttp: no token for 'https://x': there is no identity",
      ],
      [{ tokenSource: { kind: 'Other' } }, /^callHttp: expected a token source of kind 'AzureManagedIdentity'/],
    ])('fails what can not be sent: %j', async (request, message) => {
      expect(await run(request)).toMatch(message);
      expect(server.received).toEqual([]);
    });
  });
});
