import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pollUntil } from '../../src/supervisor/poll';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

/** Of each body that is to be of any size: `STREAM_MEGABYTES=4096` for more than the usual. */
const megabytes = Number(process.env['STREAM_MEGABYTES'] ?? 256);

describe('an app with HTTP streaming', () => {
  let host: HostProcess;

  beforeAll(async () => {
    host = await startHostProcess(
      await writeApp({
        'index.js': `
          const { app } = require('@azure/functions');
          app.setup({ enableHttpStream: true });
          const options = (route) => ({ route, authLevel: 'anonymous', methods: ['GET', 'POST'] });
          app.http('count', { ...options('count/{id:int}'), handler: async (request) => {
            let bytes = 0;
            for await (const chunk of request.body) bytes += chunk.length;
            return { jsonBody: { bytes, id: request.params.id, q: request.query.get('q'), type: request.headers.get('content-type'), url: request.url } };
          } });
          let made = 0;
          app.http('make', { ...options('make/{megabytes:int}'), handler: (request) => {
            const chunk = Buffer.alloc(1 << 20, 'x');
            async function* body() { for (let n = 0; n < Number(request.params.megabytes); n++) { made = n + 1; yield chunk; } }
            const headers = new Headers({ 'content-type': 'text/plain' });
            headers.append('set-cookie', 'c=1');
            headers.append('set-cookie', 'd=2');
            return { status: 203, headers, body: body(), cookies: [{ name: 'a', value: 'b' }] };
          } });
          app.http('made', { ...options('made'), handler: () => ({ jsonBody: { made, rss: process.memoryUsage().rss } }) });
          app.http('echo', { ...options('echo'), handler: (request) => ({ body: request.body }) });
          app.http('first', { ...options('first/{how}'), handler: async (request) => {
            if (request.params.how === 'reader') return { jsonBody: (await request.body.getReader().read()).value.length > 0 };
            for await (const chunk of request.body) return { jsonBody: chunk.length > 0 };
          } });
          app.http('events', { ...options('events/{kind}'), handler: (request) => {
            async function* events() {
              try {
                yield 'data: 1\\n\\n';
                await new Promise((resolve) => setTimeout(resolve, 300));
                yield 'data: 2\\n\\n';
                await new Promise((resolve) => setTimeout(resolve, 1000));
                yield 'data: 3\\n\\n';
              } finally { console.log('events ended'); }
            }
            const never = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('data: 1')), cancel: (why) => console.log('stream cancelled: ' + why.message) });
            const broken = async function* () { yield 'data: 1'; await new Promise((resolve) => setTimeout(resolve, 100)); throw new Error('source broke'); };
            const body = { timed: events, never: () => never, broken }[request.params.kind]();
            return { headers: { 'content-type': 'text/event-stream' }, body };
          } });
          app.http('reads', { ...options('reads'), handler: async (request) => {
            try { for await (const chunk of request.body) console.log('read some'); } catch (error) { console.log('upload broke: ' + error.message); throw error; }
          } });
          app.http('boom', { ...options('boom'), handler: () => { throw new Error('boom'); } });
          app.http('nothing', { ...options('nothing'), handler: () => undefined });`,
      }),
    );
  });
  afterAll(stopHosts);

  const post = (where: string, count: number): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(host.url + where, { method: 'POST' });
      request.on('response', resolve).on('error', reject);
      const chunk = Buffer.alloc(1_048_576, 'x');
      let sent = 0;
      const send = (): void => {
        while (sent < count) {
          sent++;
          if (!request.write(chunk)) {
            request.once('drain', send);
            return;
          }
        }
        request.end();
      };
      send();
    });
  const readAll = async (response: IncomingMessage): Promise<{ bytes: number; text: string }> => {
    let bytes = 0;
    let text = '';
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (text.length < 1000) text += (chunk as Buffer).toString('latin1');
    }
    return { bytes, text };
  };
  const open = (where: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      httpRequest(host.url + where)
        .on('response', resolve)
        .on('error', reject)
        .end();
    });
  const made = async (): Promise<{ made: number; rss: number }> =>
    (await (await fetch(`${host.url}/api/made`)).json()) as { made: number; rss: number };

  it('hands a request over with its parameters, query and headers', async () => {
    const response = await fetch(`${host.url}/api/count/7?q=x`, {
      method: 'POST',
      body: 'some bytes',
      headers: { 'content-type': 'video/x' },
    });
    expect(await response.json()).toEqual({
      bytes: 10,
      id: '7',
      q: 'x',
      type: 'video/x',
      url: `${host.url}/api/count/7?q=x`,
    });
  });

  it(`takes and sends bodies of ${megabytes} MB in bounded memory`, async () => {
    const before = await made();
    const growth = async (): Promise<number> => ((await made()).rss - before.rss) >> 20;
    const upload = await post('/api/count/1', megabytes);
    expect(JSON.parse((await readAll(upload)).text)).toMatchObject({ bytes: megabytes * 1_048_576 });
    expect(await growth()).toBeLessThan(150);

    const download = await open(`/api/make/${megabytes}`);
    expect([download.statusCode, download.headers['content-type'], download.headers['set-cookie']]).toEqual([
      203,
      'text/plain',
      ['c=1', 'd=2', 'a=b'],
    ]);
    expect((await readAll(download)).bytes).toBe(megabytes * 1_048_576);
    expect(await growth()).toBeLessThan(150);

    expect((await readAll(await post('/api/echo', megabytes))).bytes).toBe(megabytes * 1_048_576);
    expect(await growth()).toBeLessThan(150);
  }, 600_000);

  it('makes a response no faster than its client takes it, and stops when the client goes away', async () => {
    const response = await open('/api/make/500');
    response.pause();
    await host.waitFor(/Executing 'Functions\.make'/);
    let last = -1;
    for (let now = await made(); now.made !== last; now = await made()) {
      last = now.made;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(last).toBeLessThan(50);
    response.destroy();
    await host.waitFor(
      /Executed 'Functions\.make' \(Failed, [^\n]*\n[^\n]*The client went away before the whole response was sent/,
    );
  });

  it.each(['loop', 'reader'])(
    'answers before a body is read to its end (%s), and goes on with the next request on the connection',
    async (how) => {
      // Node's own client stops sending when it has its answer, and the rest would never come.
      const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
      const size = 32 << 20;
      socket.write(`POST /api/first/${how} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
      const [answered] = (await Promise.all([
        once(socket, 'data'),
        new Promise((resolve) => socket.write(Buffer.alloc(size), resolve)),
      ])) as [Buffer[], unknown];
      expect(answered[0]?.toString()).toMatch(/^HTTP\/1\.1 200 /);
      socket.write('GET /api/make/0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      let rest = '';
      for await (const chunk of socket) rest += (chunk as Buffer).toString();
      expect(rest).toMatch(/HTTP\/1\.1 203 /);
    },
  );

  it('sends server-sent events when they happen, and closes their source when the client has gone', async () => {
    const response = await open('/api/events/timed');
    const seen: string[] = [];
    response.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
    const arrived = (count: number): Promise<true | undefined> =>
      pollUntil(() => seen.length === count, { timeoutMs: 5000 });
    expect(await arrived(1)).toBe(true);
    expect(await arrived(2)).toBe(true);
    expect(seen).toEqual(['data: 1\n\n', 'data: 2\n\n']);
    response.destroy();
    await host.waitFor(/Executed 'Functions\.events' \(Failed/);
    await host.waitFor(/events ended/);
    expect(seen).toHaveLength(2);
  });

  it('cancels a stream that has nothing to say when the client goes away', async () => {
    const response = await open('/api/events/never');
    await once(response, 'data');
    response.destroy();
    await host.waitFor(/stream cancelled: The client went away before the whole response was sent/);
  });

  it('breaks the connection off when the source of a response fails', async () => {
    await expect(open('/api/events/broken').then(readAll)).rejects.toThrow('aborted');
    await host.waitFor(/Error: source broke/);
  });

  it('tells a handler that the client went away in the middle of its body', async () => {
    const request = httpRequest(`${host.url}/api/reads`, { method: 'POST' }).on('error', () => undefined);
    request.write('some');
    await host.waitFor(/read some/);
    request.destroy();
    await host.waitFor(/upload broke: aborted/);
    await host.waitFor(/Executed 'Functions\.reads' \(Failed/);
  });

  it('passes a body through from request to response', async () => {
    const folder = await makeFolder();
    const [sent, received] = [path.join(folder, 'sent'), path.join(folder, 'received')];
    await writeFile(sent, Buffer.alloc(5 << 20, 'abc'));
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(`${host.url}/api/echo`, { method: 'POST' })
        .on('response', resolve)
        .on('error', reject);
      createReadStream(sent).pipe(request);
    });
    await pipeline(response, createWriteStream(received));
    expect((await stat(received)).size).toBe(5 << 20);
    expect((await readFile(received)).equals(await readFile(sent))).toBe(true);
  });

  it('answers failures and nothing as without streaming', async () => {
    const failed = await fetch(`${host.url}/api/boom`);
    expect([failed.status, await failed.text()]).toEqual([500, '']);
    expect((await fetch(`${host.url}/api/nothing`)).status).toBe(204);
  });
});
