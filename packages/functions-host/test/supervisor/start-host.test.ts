import { existsSync } from 'node:fs';
import path from 'node:path';
import { type RunningHost, startHost, type StartOptions } from '../../src/index';
import { isListening } from '../../src/supervisor/addresses';
import { pollUntil } from '../../src/supervisor/poll';
import { makeFolder, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';
import { helloProgram, makeTinyApp } from './tiny-app';

// Processes and servers are started, from nothing, by each test.
jest.setTimeout(90_000);

const esmProgram = `
import { app } from '@azure/functions';
app.http('hello', { authLevel: 'anonymous', handler: () => ({ body: 'hello from a module' }) });
`;

describe('startHost', () => {
  const hosts: RunningHost[] = [];

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
    await stopHosts();
  });

  const start = async (options: StartOptions): Promise<RunningHost> => {
    const host = await startHost({ log: 'none', ...options });
    hosts.push(host);
    return host;
  };
  const hello = async ({ url }: RunningHost): Promise<string> => (await fetch(`${url}/api/hello`)).text();
  const failureOf = async (options: unknown): Promise<unknown> =>
    start(options as StartOptions).then(
      () => undefined,
      (error: unknown) => error,
    );

  it('runs an app with nothing but its folder, and leaves nothing behind', async () => {
    const appDir = await writeApp({ 'index.js': helloProgram('hello') });
    const host = await start({ appDir, taskHub: 'memory' });
    expect(host).toMatchObject({ url: `http://localhost:${host.port}`, functionNames: ['hello'] });
    expect(await hello(host)).toBe('hello');
    await host.stop();
    await host.stop();
    expect(await isListening({ host: '127.0.0.1', port: host.port })).toBe(false);
    expect(existsSync(path.join(appDir, '.local'))).toBe(false);
  });

  it('runs hosts one after another and side by side', async () => {
    const common = await writeApp({ 'index.js': helloProgram('hello') });
    const esm = await writeApp({ 'index.mjs': esmProgram, 'package.json': '{ "main": "index.mjs" }' });
    await (await start({ appDir: common })).stop();
    const [first, second, other] = await Promise.all([
      start({ appDir: common }),
      start({ appDir: common }),
      start({ appDir: esm }),
    ]);
    expect(await Promise.all([first, second, other].map(hello))).toEqual(['hello', 'hello', 'hello from a module']);
  });

  it('puts given settings above the environment, and the log where it is told to', async () => {
    const appDir = await writeApp({
      'index.js': helloProgram('hello'),
      'local.settings.json': '{ "Values": { "GREETING": " you", "OTHER": "x" } }',
    });
    let log = '';
    const host = await start({ appDir, settings: { GREETING: ' world' }, log: (text) => (log += text) });
    expect(await hello(host)).toBe('hello world');
    await host.stop();
    expect(log).toMatch(/^ready: http:\/\/localhost:\d+ \(/m);
    expect(log).toContain("Executed 'Functions.hello'");
  });

  it('hands the log over in whole lines, however much there is', async () => {
    const source = `
      const { app } = require('@azure/functions');
      app.http('hello', { authLevel: 'anonymous', handler: () => {
        for (let line = 0; line < 2000; line++) console.log('line ' + line + ' ' + 'é'.repeat(100));
        return { body: 'hello' };
      } });
    `;
    const texts: string[] = [];
    const host = await start({ appDir: await writeApp({ 'index.js': source }), log: (text) => texts.push(text) });
    await hello(host);
    await pollUntil(() => texts.join('').includes("Executed 'Functions.hello'"), { timeoutMs: 10_000 });
    expect(texts.filter((text) => !text.endsWith('\n'))).toEqual([]);
    expect(texts.join('').match(/line \d+ é{100}\n/g)).toHaveLength(2000);
  });

  it('starts what the settings ask for when told to', async () => {
    const app = await makeTinyApp();
    try {
      const host = await start({ appDir: app.dir, services: true });
      const ports = [app.ports.postgres, app.ports.blob, app.ports.echo];
      const up = (): Promise<boolean[]> => Promise.all(ports.map((port) => isListening({ host: '127.0.0.1', port })));
      expect([await hello(host), await up()]).toEqual(['hello', [true, true, true]]);
      await host.stop();
      expect(await up()).toEqual([false, false, false]);
    } finally {
      await app.remove();
    }
  });

  it('lets one host at a time use a data folder', async () => {
    const appDir = await writeApp({ 'index.js': helloProgram('hello') });
    const dataDir = await makeFolder();
    const first = await start({ appDir, dataDir });
    expect(await failureOf({ appDir, dataDir })).toMatchObject({
      name: 'StartError',
      message: `Another functions-host (this process) uses the data folder ${dataDir}. End it first, or name another folder with --data.`,
    });
    await first.stop();
    expect(await hello(await start({ appDir, dataDir }))).toBe('hello');
  });

  it('rejects with the error and the stack of an app that does not load', async () => {
    const appDir = await writeApp({ 'index.js': `throw new Error('no such module');` });
    expect(await failureOf({ appDir })).toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(/index\.js threw while it was loaded:\nError: no such module\n {4}at/) as string,
    });
  });

  it.each([
    [{ prot: 7071 }, 'unknown option prot; known are appDir, port,'],
    [{ port: '7071' }, 'expected a number from 0 to 65535 for port, got "7071"'],
    [{ settings: { A: 1 } }, 'expected an object of strings for settings, got an object with A'],
    [{ functions: [] }, 'expected a list of names for functions, got []'],
    [{ verifyReplay: 'some' }, 'expected all, sample or off for verifyReplay, got "some"'],
    [{ log: 'xml' }, 'expected text, json, none or a function for log, got "xml"'],
    [{ taskHub: 'mysql://x' }, 'startHost: taskHub: expected a postgres:// URL or memory'],
    [{ appDir: '/no/such/folder' }, `there is no folder ${path.resolve('/no/such/folder')}`],
  ])('names what is wrong: %j', async (options, message) => {
    expect(await failureOf(options)).toMatchObject({
      name: 'StartError',
      message: expect.stringContaining(message) as string,
    });
  });
});
