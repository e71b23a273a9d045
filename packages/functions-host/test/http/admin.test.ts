import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type HostProcess, makeFolder, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const app = `
const { app } = require('@azure/functions');
const df = require('durable-functions');
app.http('guarded', { authLevel: 'function', methods: ['GET'], handler: () => ({ body: 'open' }) });
app.http('echo', { authLevel: 'anonymous', methods: ['GET', 'POST'], handler: async (request, context) => { context.log('echo got', await request.text()); return {}; } });
app.timer('tick', { schedule: '0 0 0 1 1 *', handler: (timer, context) => { context.log('tick ran', timer.isPastDue); } });
df.app.activity('shout', { handler: (text, context) => { context.log('shouting', text); } });
df.app.orchestration('greet', function* (ctx) { return yield ctx.df.callActivity('shout', ctx.df.getInput()); });
df.app.entity('Counter', (ctx) => { ctx.df.setState(1); });
`;

const files = {
  'index.js': app,
  'host.json': JSON.stringify({
    version: '2.0',
    extensions: {
      http: { routePrefix: 'v1' },
      durableTask: { httpSettings: { useForwardedHost: true } },
      own: { a: 1 },
    },
    concurrency: { cpuThreshold: 0.5 },
  }),
};

describe('the admin API', () => {
  afterEach(stopHosts);

  const send = (host: HostProcess, method: string, where: string, key = '', body?: string): Promise<Response> =>
    fetch(host.url + where, {
      method,
      headers: { 'x-functions-key': key, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body }),
    });

  it.each([
    { master: 5, host: {}, system: {}, functions: {} },
    { master: 'm', host: { default: 5 }, system: {}, functions: {} },
    { master: 'm', host: {}, system: {}, functions: { guarded: { default: null } } },
  ])('does not start with %j for keys', async (keys) => {
    const dataDir = await makeFolder();
    await writeFile(path.join(dataDir, 'keys.json'), JSON.stringify(keys));
    const starting = startHostProcess(await writeApp(files), { dataDir });
    await expect(starting).rejects.toThrow("keys.json does not hold the host's keys");
  });

  it('runs an HTTP function of an app that streams', async () => {
    const source = `
      const { app } = require('@azure/functions');
      app.setup({ enableHttpStream: true });
      app.http('constructor', { authLevel: 'function', methods: ['POST'], handler: async (request, context) => {
        context.log('got ' + await request.text());
        return { body: 'done' };
      } });
    `;
    const dataDir = await makeFolder();
    const host = await startHostProcess(await writeApp({ 'index.js': source }), { auth: true, dataDir });
    const { master, functions } = JSON.parse(await readFile(path.join(dataDir, 'keys.json'), 'utf8')) as {
      master: string;
      functions: { constructor: { default: string } };
    };
    const run = await send(host, 'POST', '/admin/functions/constructor', master, '{"input":"hello"}');
    expect(run.status).toBe(202);
    await host.waitFor(/got hello/);
    await host.waitFor(/Executed 'Functions.constructor' \(Succeeded/);
    expect((await send(host, 'POST', '/api/constructor', functions.constructor.default, '{}')).status).toBe(200);
  });

  it('changes keys, which count at once and are kept', async () => {
    const [appDir, dataDir] = [await writeApp(files), await makeFolder()];
    let host = await startHostProcess(appDir, { auth: true, dataDir });
    const { master } = JSON.parse(await readFile(path.join(dataDir, 'keys.json'), 'utf8')) as { master: string };
    const status = async (method: string, where: string, body?: string): Promise<number> =>
      (await send(host, method, where, master, body)).status;
    const opens = async (key: string): Promise<number> => (await send(host, 'GET', '/v1/guarded', key)).status;

    const where = '/admin/functions/guarded/keys/mine';
    expect(await status('GET', where)).toBe(404);
    const made = await send(host, 'POST', where, master);
    const { value } = (await made.json()) as { value: string };
    expect([made.status, made.headers.get('location'), await opens(value)]).toEqual([201, host.url + where, 200]);
    const put = await send(host, 'PUT', where, master, '{"name":"mine","value":"secret-1"}');
    const links = [{ rel: 'self', href: host.url + where }];
    expect([put.status, await put.json()]).toEqual([200, { name: 'mine', value: 'secret-1', links }]);
    expect([await opens(value), await opens('secret-1')]).toEqual([401, 200]);

    expect(await status('PUT', '/admin/host/functionkeys/all', '{"value":"secret-2"}')).toBe(201);
    expect(await status('PUT', '/admin/host/systemkeys/other_extension', '{"value":"secret-3"}')).toBe(201);
    expect([await opens('secret-2'), await opens('secret-3')]).toEqual([200, 403]);
    const webhook = '/runtime/webhooks/durabletask/instances';
    expect((await send(host, 'GET', webhook, 'secret-3')).status).toBe(403);
    expect(await (await send(host, 'GET', '/admin/host/keys/all', master)).json()).toMatchObject({ value: 'secret-2' });
    expect(await status('GET', '/admin/host/systemkeys/_master')).toBe(200);
    expect(await status('DELETE', where)).toBe(204);
    expect([await status('DELETE', where), await opens('secret-1')]).toEqual([404, 401]);

    await host.stop();
    host = await startHostProcess(appDir, { auth: true, dataDir });
    expect([await opens('secret-1'), await opens('secret-2')]).toEqual([401, 200]);
    expect(await status('PUT', '/admin/host/systemkeys/_master', '{"value":"secret-4"}')).toBe(200);
    expect([await status('GET', '/admin/host/status'), await opens('secret-4')]).toEqual([401, 200]);
  });

  it('refuses keys without a value, and to delete the master key', async () => {
    const host = await startHostProcess(await writeApp(files));
    for (const body of ['', '{', '{"value":""}', '{"value":7}']) {
      const answer = await send(host, 'PUT', '/admin/host/keys/a', '', body);
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('Invalid key value')]);
    }
    expect((await send(host, 'DELETE', '/admin/host/systemkeys/_master')).status).toBe(400);
    expect((await send(host, 'PUT', '/admin/functions/nosuch/keys/a', '', '{"value":"x"}')).status).toBe(404);
  });

  it('puts a new system key into the links of the app', async () => {
    const host = await startHostProcess(await writeApp(files));
    await send(host, 'PUT', '/admin/host/systemkeys/durabletask_extension', '', '{"value":"brand-new"}');
    const started = await send(host, 'POST', '/runtime/webhooks/durabletask/orchestrators/greet', '', '"x"');
    expect(await started.json()).toMatchObject({
      statusQueryGetUri: expect.stringMatching(/&code=brand-new$/) as string,
    });
  });

  it('runs functions of every kind', async () => {
    const host = await startHostProcess(await writeApp(files));
    const run = async (name: string, input: string): Promise<number> =>
      (await send(host, 'POST', `/admin/functions/${name}`, '', JSON.stringify({ input }))).status;
    expect(await run('echo', 'hello')).toBe(202);
    await host.waitFor(/echo got hello/);
    expect(await run('tick', '')).toBe(202);
    await host.waitFor(/tick ran/);
    expect(await run('SHOUT', 'loud')).toBe(202);
    await host.waitFor(/shouting loud/);
    expect(await run('greet', 'you')).toBe(202);
    await host.waitFor(/shouting you/);
    expect(await run('greet', '{"n":[1]}')).toBe(202);
    await host.waitFor(/shouting \{ n: \[ 1 \] \}/);
    expect(await run('Counter', 'no key')).toBe(202);
    await host.waitFor(/'Functions\.Counter' on demand failed: an entity is run with an input like/);
  });

  it('shows functions that are turned off or in error, and says why it does not run them', async () => {
    const broken = "app.timer('broken', { schedule: 'never', handler: () => {} });";
    const appDir = await writeApp({ ...files, 'index.js': app + broken });
    const host = await startHostProcess(appDir, { settings: { 'AzureWebJobs.echo.Disabled': 'true' } });
    const list = (await (await send(host, 'GET', '/admin/functions')).json()) as {
      name: string;
      isDisabled: boolean;
    }[];
    expect(list.filter(({ isDisabled }) => isDisabled).map(({ name }) => name)).toEqual(['echo']);
    expect(await (await send(host, 'GET', '/admin/functions/echo')).json()).toMatchObject({
      isDisabled: true,
      invoke_url_template: `${host.url}/v1/echo`,
    });
    expect((await send(host, 'GET', '/v1/echo')).status).toBe(404);
    const refused = await send(host, 'POST', '/admin/functions/echo', '', '{"input":""}');
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { message: expect.stringContaining('is disabled') as string },
    ]);
    expect(await (await send(host, 'GET', '/admin/functions/broken/status')).json()).toEqual({
      errors: [expect.stringContaining('never') as string],
    });
    expect((await send(host, 'GET', '/admin/functions/broken')).status).toBe(404);
  });

  it('shows the configuration with what host.json says over the defaults', async () => {
    const host = await startHostProcess(await writeApp(files));
    expect(await (await send(host, 'GET', '/admin/host/config')).json()).toMatchObject({
      extensions: {
        http: { routePrefix: 'v1', maxConcurrentRequests: -1 },
        durableTask: {
          hubName: 'TestHubName',
          httpSettings: { useForwardedHost: true, defaultAsyncRequestSleepTimeMilliseconds: 30_000 },
        },
        own: { a: 1 },
      },
      concurrency: { cpuThreshold: 0.5, maximumFunctionConcurrency: 500 },
    });
  });

  it('answers 404 to what it does not have', async () => {
    const host = await startHostProcess(await writeApp(files));
    const wanted = [
      ['GET', '/admin'],
      ['GET', '/admin/host'],
      ['POST', '/admin/host/status'],
      ['GET', '/admin/host/synctriggers'],
      ['GET', '/admin/host/status/more'],
      ['PATCH', '/admin/host/keys/default'],
      ['POST', '/admin/functions/guarded/keys'],
      ['GET', '/admin/functions/guarded/keys/default/more'],
      ['GET', '/admin/functions/guarded/nothing'],
      ['DELETE', '/admin/functions/guarded'],
    ] as const;
    const answers = await Promise.all(wanted.map(([method, where]) => send(host, method, where)));
    expect(answers.map(({ status }) => status)).toEqual(wanted.map(() => 404));
  });
});
