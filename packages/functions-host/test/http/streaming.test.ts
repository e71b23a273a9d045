import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

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
            return { status: 203, headers: { 'content-type': 'text/plain' }, body: body(), cookies: [{ name: 'a', value: 'b' }] };
          } });
          app.http('made', { ...options('made'), handler: () => ({ jsonBody: { made, rss: process.memoryUsage().rss } }) });
          app.http('echo', { ...options('echo'), handler: (request) => ({ body: request.body }) });
          app.http('boom', { ...options('boom'), handler: () => { throw new Error('boom'); } });
          app.http('nothing', { ...options('nothing'), handler: () => undefined });`,
      }),
    );
  });
  afterAll(stopHosts);

  const open = (where: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      httpRequest(host.url + where)
        .on('response', resolve)
        .on('error', reject)
        .end();
    });
  const made = async (): Promise<{ made: number; rss: number }> =>
    (await (await fetch(`${host.url}/api/made`)).json()) as { made: number; rss: number };

  it('hands a request over with its parameters, query and headers while its body is still coming', async () => {
    async function* body() {
      for (let n = 0; n < 64; n++) yield await Promise.resolve(Buffer.alloc(1 << 20));
    }
    const response = await fetch(`${host.url}/api/count/7?q=x`, {
      method: 'POST',
      body: Readable.toWeb(Readable.from(body())),
      duplex: 'half',
      headers: { 'content-type': 'video/x' },
    } as unknown as RequestInit);
    expect(await response.json()).toEqual({
      bytes: 64 << 20,
      id: '7',
      q: 'x',
      type: 'video/x',
      url: `${host.url}/api/count/7?q=x`,
    });
  });

  it('sends a response of any size with status, headers and cookies, in bounded memory', async () => {
    const response = await open('/api/make/512');
    expect([response.statusCode, response.headers['content-type'], response.headers['set-cookie']]).toEqual([
      203,
      'text/plain',
      ['a=b'],
    ]);
    const before = await made();
    let bytes = 0;
    for await (const chunk of response) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(512 << 20);
    expect((await made()).rss).toBeLessThan(before.rss + (150 << 20));
  });

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
