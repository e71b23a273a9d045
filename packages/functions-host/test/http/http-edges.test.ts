import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { pollUntil } from '../../src/supervisor/poll';
import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const program = `
  const { app } = require('@azure/functions');
  const open = { authLevel: 'anonymous' };
  app.http('size', { ...open, methods: ['POST'], handler: async (request) => ({ jsonBody: { bytes: (await request.arrayBuffer()).byteLength } }) });
  app.http('echo', { ...open, methods: ['GET', 'POST', 'HEAD'], route: 'echo/{*rest}', handler: async (request) => ({ jsonBody: {
    rest: request.params.rest, q: [...request.query], a: request.headers.get('x-a'), cookie: request.headers.get('cookie'), body: await request.text() } }) });
  app.http('form', { ...open, methods: ['POST'], handler: async (request) => {
    const parts = [];
    for (const [name, value] of await request.formData())
      parts.push([name, typeof value === 'string' ? value : { file: value.name, type: value.type, text: await value.text() }]);
    return { jsonBody: parts };
  } });
  app.http('webdav', { ...open, methods: ['PROPFIND', 'REPORT'], handler: async (request) => ({ body: request.method + await request.text() }) });
  app.http('cookies', { ...open, methods: ['GET'], handler: () => {
    const headers = new Headers({ 'x-own': '1', 'x-both': 'function' });
    headers.append('set-cookie', 'a=1; Path=/');
    headers.append('set-cookie', 'b=2, 3');
    return { headers, cookies: [{ name: 'c', value: 'x;y', domain: 'd.test', path: '/p', maxAge: 0, secure: true, httpOnly: true, sameSite: 'None', expires: new Date('2030-01-02T03:04:05Z') }] };
  } });
  app.http('wait', { ...open, methods: ['GET'], handler: async () => {
    while (!require('node:fs').existsSync(__dirname + '/gate')) await new Promise((resolve) => setTimeout(resolve, 20));
    return { body: 'waited' };
  } });
`;

/** Sends bytes as they are, and collects what comes until the host closes or `until` is there. */
function exchange(url: string, text: string | Buffer, until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      if (until?.test(received) === true) socket.destroy();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
    socket.write(text);
  });
}

describe('HTTP as it comes over the wire', () => {
  let host: HostProcess;
  const send = (text: string | Buffer, until?: RegExp): Promise<string> => exchange(host.url, text, until);
  const close = 'Host: x\r\nConnection: close\r\n';

  beforeAll(async () => {
    host = await startHostProcess(await writeApp({ 'index.js': program }), {
      settings: { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1000' },
    });
  });
  afterAll(stopHosts);

  it('asks for a body that is held back with 100-continue, and not for one that nobody would read', async () => {
    const head = (path: string, length: number): string =>
      `POST ${path} HTTP/1.1\r\n${close}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
    expect(await send(`${head('/api/size', 3)}abc`)).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK[^]*\{"bytes":3\}$/,
    );
    expect(await send(head('/api/size', 1001))).toMatch(/^HTTP\/1\.1 413 /);
    expect(await send(head('/api/nosuch', 3))).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('answers 413 and says what to do when a body is too large, whether its length is declared or not', async () => {
    for (const body of ['x'.repeat(5_000_000), new Blob(['x'.repeat(1001)]).stream()]) {
      const init = { method: 'POST', body, duplex: 'half' } as const;
      const response = await fetch(`${host.url}/api/size`, init);
      expect(response.status).toBe(413);
      expect(await response.text()).toMatch(/larger than 1000 bytes[^]*FUNCTIONS_REQUEST_BODY_SIZE_LIMIT/);
    }
    expect(await (await fetch(`${host.url}/api/size`, { method: 'POST', body: 'x'.repeat(1000) })).json()).toEqual({
      bytes: 1000,
    });
  });

  it('serves several requests on one connection, also when they come at once', async () => {
    const one = (name: string): string => `GET /api/echo/${name} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const answers = await send(one('a') + one('b') + `GET /api/echo/c HTTP/1.1\r\n${close}\r\n`);
    expect([...answers.matchAll(/"rest":"(\w)"/g)].map(([, rest]) => rest)).toEqual(['a', 'b', 'c']);
  });

  it('takes a body in chunks, and none at all', async () => {
    const chunked = `POST /api/size HTTP/1.1\r\n${close}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n`;
    expect(await send(chunked)).toMatch(/\{"bytes":5\}$/);
    expect(await send(`POST /api/size HTTP/1.1\r\n${close}Content-Length: 0\r\n\r\n`)).toMatch(/\{"bytes":0\}$/);
    expect(await send(`POST /api/size HTTP/1.1\r\n${close}\r\n`)).toMatch(/\{"bytes":0\}$/);
  });

  it.each([
    [
      'a body that is longer than it was said to be',
      'POST /api/size HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabcd\r\n\r\n',
      /HTTP\/1\.1 400 /,
    ],
    [
      'two lengths',
      'POST /api/size HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc',
      /^HTTP\/1\.1 400 /,
    ],
    [
      'a length and chunks',
      'POST /api/size HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400 /,
    ],
    ['no host', 'GET /api/echo HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400 /],
    [
      'headers of more than 32 KB',
      `GET /api/echo HTTP/1.1\r\nHost: x\r\nX-A: ${'y'.repeat(33_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 /,
    ],
  ])('refuses %s', async (_what, text, answered) => {
    expect(await send(text)).toMatch(answered);
    expect((await fetch(`${host.url}/api/echo`)).status).toBe(200);
  });

  it('passes on headers of up to 32 KB, repeated headers, cookies and repeated query keys', async () => {
    const large = 'y'.repeat(30_000);
    const get = (headers: string, query = ''): Promise<string> =>
      send(`GET /api/echo/${query} HTTP/1.1\r\n${close}${headers}\r\n`);
    expect(await get(`X-A: ${large}\r\n`)).toContain(`"a":"${large}"`);
    expect(await get('X-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2\r\n', '?q=1&q=2&%C3%A9=+%2B&e=')).toContain(
      '"q":[["q","1"],["q","2"],["é"," +"],["e",""]],"a":"1, 2","cookie":"a=1; b=2"',
    );
  });

  it('keeps what is encoded in a path apart from what divides it, and follows dots', async () => {
    const rest = async (path: string): Promise<unknown> =>
      (JSON.parse((await send(`GET ${path} HTTP/1.1\r\n${close}\r\n`)).split('\r\n\r\n')[1] ?? '') as { rest: unknown })
        .rest;
    expect(await rest('/api/echo/a%2Fb/c%20d//e%3Ff/')).toBe('a%2Fb/c d//e?f/');
    expect(await rest('/api/nosuch/../echo/./x')).toBe('x');
  });

  it('answers HEAD where a function takes it, with the length and without the body', async () => {
    const answered = await send(`HEAD /api/echo/x HTTP/1.1\r\n${close}\r\n`);
    expect(answered).toMatch(/^HTTP\/1\.1 200 OK[^]*content-length: [1-9]\d*\r\n[^]*\r\n\r\n$/i);
  });

  it('takes methods beyond the usual ones', async () => {
    for (const method of ['PROPFIND', 'REPORT']) {
      const response = await fetch(`${host.url}/api/webdav`, { method, body: '!' });
      expect(await response.text()).toBe(`${method}!`);
    }
  });

  it('reads forms with files', async () => {
    const form = new FormData();
    form.append('a', '1');
    form.append('a', '2');
    form.append('f', new Blob(['hé'], { type: 'text/x' }), 'f.txt');
    const response = await fetch(`${host.url}/api/form`, { method: 'POST', body: form });
    expect(await response.json()).toEqual([
      ['a', '1'],
      ['a', '2'],
      ['f', { file: 'f.txt', type: 'text/x', text: 'hé' }],
    ]);
  });

  it('loses no cookie of several', async () => {
    expect((await fetch(`${host.url}/api/cookies`)).headers.getSetCookie()).toEqual([
      'a=1; Path=/',
      'b=2, 3',
      'c=x%3By; expires=Wed, 02 Jan 2030 03:04:05 GMT; max-age=0; domain=d.test; path=/p; secure; samesite=none; httponly',
    ]);
  });
});

describe('extensions.http of host.json', () => {
  afterAll(stopHosts);

  it('limits how many functions run and wait, and adds headers that a function may override', async () => {
    const http = {
      maxConcurrentRequests: 2,
      maxOutstandingRequests: 3,
      customHeaders: { 'X-Both': 'host', 'X-Host': 'h' },
    };
    const hostJson = JSON.stringify({ version: '2.0', extensions: { http } });
    const appDir = await writeApp({ 'index.js': program, 'host.json': hostJson });
    const host = await startHostProcess(appDir);
    const cookies = await fetch(`${host.url}/api/cookies`);
    expect(['x-own', 'x-both', 'x-host'].map((name) => cookies.headers.get(name))).toEqual(['1', 'function', 'h']);
    expect((await fetch(`${host.url}/api/nosuch`)).headers.get('x-host')).toBe('h');

    let refused = 0;
    const calls = Array.from({ length: 8 }, async () => {
      const response = await fetch(`${host.url}/api/wait`);
      if (response.status === 429) refused++;
      return response;
    });
    expect(await pollUntil(() => refused === 5, { timeoutMs: 10_000 })).toBe(true);
    await host.waitFor(/(Executing 'Functions\.wait'[^]*){2}/);
    expect(host.output().match(/Executing 'Functions\.wait'/g)).toHaveLength(2);
    await writeFile(path.join(appDir, 'gate'), '');
    const statuses = (await Promise.all(calls)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
    expect(await (await fetch(`${host.url}/api/wait`)).text()).toBe('waited');
  });
});

describe('calls from other origins', () => {
  afterAll(stopHosts);
  const headersOf = async (url: string, origin: string, preflight = false) => {
    const asked = { 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a, x-b' };
    const response = await fetch(`${url}/api/cookies`, {
      headers: { origin, ...(preflight ? asked : undefined) },
      method: preflight ? 'OPTIONS' : 'GET',
    });
    const names = ['origin', 'credentials', 'methods', 'headers'].map((name) => `access-control-allow-${name}`);
    return [response.status, response.headers.get('vary'), ...names.map((name) => response.headers.get(name))];
  };

  it('are allowed to all by *', async () => {
    const cors = { origins: ['*'], credentials: false };
    const { url } = await startHostProcess(await writeApp({ 'index.js': program }), { cors });
    expect(await headersOf(url, 'https://a.example')).toEqual([200, null, '*', null, null, null]);
    expect(await headersOf(url, 'https://a.example', true)).toEqual([204, null, '*', null, 'PUT', 'x-a, x-b']);
    const plain = await fetch(`${url}/api/cookies`);
    expect(plain.headers.get('access-control-allow-origin')).toBeNull();
    expect((await fetch(`${url}/api/cookies`, { method: 'OPTIONS' })).status).toBe(404);
  });

  it('are allowed to the listed ones, with cookies when asked for, and to no other', async () => {
    const cors = { origins: ['https://a.example', 'http://localhost:3000'], credentials: true };
    const { url } = await startHostProcess(await writeApp({ 'index.js': program }), { cors });
    const own = 'http://localhost:3000';
    expect(await headersOf(url, own)).toEqual([200, 'Origin', own, 'true', null, null]);
    expect(await headersOf(url, own, true)).toEqual([204, 'Origin', own, 'true', 'PUT', 'x-a, x-b']);
    expect(await headersOf(url, 'https://b.example')).toEqual([200, 'Origin', null, null, null, null]);
    expect(await headersOf(url, 'https://b.example', true)).toEqual([204, 'Origin', null, null, null, null]);
  });
});
