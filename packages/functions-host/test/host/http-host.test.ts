import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';

const appDir = path.join(__dirname, '../fixtures/http-app');
const settings = { 'AzureWebJobs.disabled.Disabled': 'true' };

describe.each([
  ['called directly', settings],
  ["called through the library's invocation model", { ...settings, APP_HOOKS: '1' }],
])('a host with HTTP functions, %s', (_how, settings) => {
  let host: HostProcess;
  const get = (where: string, init?: RequestInit): Promise<Response> => fetch(host.url + where, init);

  beforeAll(async () => {
    host = await startHostProcess(appDir, { settings });
  });
  afterAll(stopHosts);

  it('lists its functions as Core Tools does, and then says that it is ready and how long it took', () => {
    const output = host.output();
    expect(output).toContain(`\nFunctions:\n\n\tboom: [GET,POST] ${host.url}/api/boom\n\n\tbytes:`);
    expect(output).toContain(`\n\techo: [POST,PUT] ${host.url}/api/echo/{id:int?}\n`);
    expect(output).toMatch(/\n\n\tnever: timerTrigger\n\nready: http:\/\/localhost:\d+ \(\d+\.\d\d s\)\n/);
    expect(output).not.toContain('\tdisabled:');
    expect(host.functions).toContain('hello');
  });

  it('passes query, body, headers and route parameters in, and status, headers and body out', async () => {
    const response = await get('/api/echo/5?tag=a&tag=b%20c', {
      method: 'PUT',
      body: 'wörd',
      headers: { 'content-type': 'text/x' },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('x-method')).toBe('PUT');
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      id: '5',
      url: `${host.url}/api/echo/5?tag=a&tag=b%20c`,
      type: 'text/x',
      tags: ['a', 'b c'],
      body: 'wörd',
    });
  });

  it('finds routes without regard to case and to a slash at the end, and keeps the case of values', async () => {
    expect(await (await get('/API/Hello/?name=Bob')).text()).toBe('hello Bob');
  });

  it('answers text as text, bytes as they are, and nothing with 204', async () => {
    const text = await get('/api/hello');
    expect([text.status, text.headers.get('content-type'), await text.text()]).toEqual([
      200,
      'text/plain;charset=UTF-8',
      'hello world',
    ]);
    expect([...new Uint8Array(await (await get('/api/bytes')).arrayBuffer())]).toEqual([0, 255, 128]);
    expect((await get('/api/nothing')).status).toBe(204);
  });

  it.each([
    ['response', {}, 299, { 'x-own': 'padded' }, 'of a class'],
    ['headers', {}, 200, { 'x-a': '1, 2', 'content-type': 'text/plain;charset=UTF-8' }, 'a'],
    ['form', { body: new URLSearchParams({ a: '1' }) }, 200, { 'content-type': 'application/json' }, '[["a","1"]]'],
    ['stream', { body: 'xyz' }, 200, {}, 'xyz'],
    ['clone', { body: 'xyz' }, 200, {}, 'xyzxyz'],
    ['twice', { body: 'xyz' }, 200, {}, 'TypeError'],
    ['twice', { method: 'GET' }, 200, {}, ''],
    ['bom', { body: '\ufeffé' }, 200, {}, '{"text":"é","used":true}'],
    ['search', {}, 200, { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }, 'a=b+c'],
    ['null', {}, 200, { 'content-type': null }, ''],
    ['gone', {}, 204, {}, ''],
    ['badStatus', {}, 500, {}, ''],
    ['text', {}, 500, {}, ''],
    ['other', { method: 'HEAD' }, 404, {}, ''],
  ])('takes every kind of request body and result: %s %j', async (kind, init, status, headers, body) => {
    const response = await get(`/api/kinds/${kind}`, { method: 'POST', ...init });
    expect([response.status, await response.text()]).toEqual([status, body]);
    for (const [name, value] of Object.entries(headers)) expect(response.headers.get(name)).toBe(value);
  });

  it('writes cookies as ASP.NET does', async () => {
    expect((await get('/api/cookies')).headers.getSetCookie()).toEqual([
      'a=1%202; max-age=60; path=/x; secure; samesite=lax; httponly',
      'b=y; expires=Wed, 02 Jan 2030 03:04:05 GMT; path=/',
    ]);
  });

  it.each([
    ['PUT', '/api/hello'],
    ['HEAD', '/api/hello'],
    ['OPTIONS', '/api/hello'],
    ['GET', '/foo'],
    ['GET', '/admin/nosuch'],
    ['GET', '/runtime/webhooks/durabletask/instances'],
    ['POST', '/api/echo/abc'],
    ['POST', '/api/disabled'],
  ])('answers 404 with an empty body to %s %s', async (method, where) => {
    const response = await get(where, { method });
    expect([response.status, await response.text()]).toEqual([404, '']);
  });

  it('leaves paths that no other function answers to a catch-all', async () => {
    const response = await get('/api/no/such/thing');
    expect([response.status, await response.json()]).toEqual([404, { nothingAt: 'no/such/thing' }]);
  });

  it('answers 500 with an empty body when a handler throws, and logs the error with its stack', async () => {
    const response = await get('/api/boom');
    expect([response.status, await response.text()]).toEqual([500, '']);
    await host.waitFor(
      /Executed 'Functions\.boom' \(Failed, Id=[\w-]+, Duration=\d+ms\)\n\[[^\]]+\] Error: boom happened\n {4}at /,
    );
  });

  it('fails a function that takes longer than functionTimeout', async () => {
    expect((await get('/api/slow')).status).toBe(500);
    await host.waitFor(/Timeout value of 00:00:01 was exceeded by function: Functions\.slow/);
  });

  it("puts a function's own lines between its start and its end", async () => {
    await get('/api/hello?name=Ann');
    const time = String.raw`\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\]`;
    await host.waitFor(
      new RegExp(
        `${time} Executing 'Functions\\.hello' \\(Reason='This function was programmatically called via the host APIs\\.', Id=([\\w-]+)\\)\\n` +
          `${time} hello from { name: 'Ann' }\\n` +
          `${time} Executed 'Functions\\.hello' \\(Succeeded, Id=\\1, Duration=\\d+ms\\)\\n`,
      ),
    );
    await get('/api/console');
    await host.waitFor(new RegExp(`${time} from the console\\n`));
  });

  it('writes only lines of the level that host.json sets for their category', async () => {
    await get('/api/quiet');
    await host.waitFor(/to be seen/);
    expect(host.output()).not.toMatch(/not to be seen|Executing 'Functions\.quiet'/);
  });

  it('takes a body of 100 MB and refuses a larger one', async () => {
    const largest = await get('/api/size', { method: 'POST', body: Buffer.alloc(104_857_600) });
    expect(await largest.json()).toEqual({ bytes: 104_857_600 });
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(`${host.url}/api/size`, {
        method: 'POST',
        headers: { 'content-length': 104_857_601 },
      });
      request.on('response', (response) => resolve(response.statusCode));
      request.on('error', reject);
      request.flushHeaders();
    });
    expect(status).toBe(413);
  });

  it('goes on after a client that went away in the middle of its body or before its answer', async () => {
    const executed = (): number => host.output().match(/Executed 'Functions\.wait'/g)?.length ?? 0;
    const half = connect(Number(new URL(host.url).port), '127.0.0.1');
    half.write('POST /api/size HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    half.end();
    const aborted = new AbortController();
    const waiting = get('/api/wait?ms=200', { signal: aborted.signal });
    await host.waitFor(/Executing 'Functions\.wait'/);
    aborted.abort();
    await expect(waiting).rejects.toThrow();
    await host.waitFor(/Executed 'Functions\.wait' \(Succeeded/);
    expect(executed()).toBe(1);
    expect((await get('/api/hello')).status).toBe(200);
  });

  it('answers the admin API without keys when keys are not enforced', async () => {
    expect((await get('/')).status).toBe(200);
    const ping = await get('/admin/host/ping');
    expect([ping.status, ping.headers.get('cache-control'), ping.headers.get('pragma')]).toEqual([
      200,
      'no-store,no-cache',
      'no-cache',
    ]);
    expect(await (await get('/admin/host/status')).json()).toMatchObject({ state: 'Running', version: '4.1037.0.0' });
    const functions = (await (await get('/admin/functions')).json()) as { name: string }[];
    expect(functions.map(({ name }) => name).slice(0, 3)).toEqual(['boom', 'bytes', 'console']);
    expect(await (await get('/admin/functions/echo')).json()).toMatchObject({
      invoke_url_template: `${host.url}/api/echo/{id:int?}`,
      config: {
        scriptFile: 'index.js',
        bindings: [{ type: 'httpTrigger' }, { type: 'http', name: '$return', direction: 'out' }],
      },
    });
    expect((await get('/admin/functions/nosuch')).status).toBe(404);
  });

  it('runs a function on demand through the admin API', async () => {
    const run = (name: string, body: string, type = 'application/json'): Promise<number> =>
      get(`/admin/functions/${name}`, { method: 'POST', body, headers: { 'content-type': type } }).then(
        ({ status }) => status,
      );
    expect(await run('never', '{"input":""}')).toBe(202);
    await host.waitFor(/timer ran false/);
    expect(await run('never', '')).toBe(400);
    expect(await run('never', 'x', 'text/plain')).toBe(415);
    expect(await run('nosuch', '{"input":""}')).toBe(404);
  });
});

describe('a host that stops', () => {
  afterAll(stopHosts);

  it('lets running functions finish, answers 503 to new requests, and ends', async () => {
    const host = await startHostProcess(appDir, { settings });
    const running = fetch(`${host.url}/api/wait?ms=500`);
    await host.waitFor(/Executing 'Functions\.wait'/);
    const stopped = host.stop();
    let refused: Response | undefined;
    while (refused?.status !== 503) {
      refused = await fetch(`${host.url}/api/hello`, { headers: { connection: 'close' } });
    }
    expect(await refused.text()).toBe('The host is shutting down.');
    expect(await (await running).text()).toBe('waited');
    await stopped;
    await expect(fetch(`${host.url}/api/hello`)).rejects.toThrow();
  });
});

describe('a host that enforces keys', () => {
  let host: HostProcess;
  let master: string;
  let keys: { functions: Record<string, Record<string, string>>; host: Record<string, string> };
  const status = async (where: string, init?: RequestInit): Promise<number> =>
    (await fetch(host.url + where, init)).status;
  const post = { method: 'POST' };

  beforeAll(async () => {
    const dataDir = await makeFolder();
    host = await startHostProcess(appDir, { settings, auth: true, dataDir });
    const kept = JSON.parse(await readFile(path.join(dataDir, 'keys.json'), 'utf8')) as typeof keys & {
      master: string;
    };
    master = kept.master;
    keys = kept;
  });
  afterAll(stopHosts);

  it('lets anyone call an anonymous function', async () => {
    expect(await status('/api/hello')).toBe(200);
  });

  it('answers 401 to a call of a function without a key or with a wrong one', async () => {
    expect(await status('/api/echo', post)).toBe(401);
    expect(await status('/api/echo?code=wrong', post)).toBe(401);
    expect(await status(`/api/echo?code=${keys.functions['hello']?.['default'] ?? ''}`, post)).toBe(401);
  });

  it("takes the function's own key, a host key and the master key, in the query or the header", async () => {
    const own = keys.functions['echo']?.['default'] ?? '';
    expect(await status(`/api/echo?code=${own}`, post)).toBe(201);
    expect(await status('/api/echo', { ...post, headers: { 'x-functions-key': own } })).toBe(201);
    expect(await status(`/api/echo?code=${keys.host['default'] ?? ''}`, post)).toBe(201);
    expect(await status(`/api/echo?code=${master}`, post)).toBe(201);
  });

  it('opens the admin API to the master key alone, and the ping to all', async () => {
    expect(await status('/admin/functions')).toBe(401);
    expect(await status(`/admin/functions?code=${keys.host['default'] ?? ''}`)).toBe(403);
    expect(await status(`/admin/functions?code=${master}`)).toBe(200);
    expect(await status('/admin/host/ping')).toBe(200);
  });
});

describe('JSON logs', () => {
  afterAll(stopHosts);

  it('are one object a line, errors included', async () => {
    const host = await startHostProcess(appDir, { settings, logFormat: 'json' });
    await fetch(`${host.url}/api/boom`);
    await host.waitFor(/"Failed|\(Failed/);
    const lines = host
      .output()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'ready', url: host.url, elapsedMs: expect.any(Number) }),
    );
    expect(lines.find(({ error }) => error !== undefined)).toMatchObject({
      level: 'Error',
      category: 'Function.boom',
      function: 'boom',
      error: { name: 'Error', message: 'boom happened', text: expect.stringContaining('    at ') },
    });
  });
});
