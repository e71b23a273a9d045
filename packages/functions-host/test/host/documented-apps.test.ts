/*
 * Apps that know nothing of this host: they are written from the documentation of the Node v4 model and of Durable
 * Functions, in the three shapes it shows, and are run by the command, on a real storage account and task hub.
 */
import { execFile } from 'node:child_process';
import { cp, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { pollUntil } from '../../src/supervisor/poll';
import { endCommands, type RunningCommand, runCommand } from '../supervisor/running-command';
import { makeFolder, stopHosts } from '../support/host-process';
import { startStorage, type TestStorage } from '../support/storage';

jest.setTimeout(120_000);

const root = path.join(__dirname, '../../../..');

describe('apps written from the documentation', () => {
  const commands: RunningCommand[] = [];
  let storage: TestStorage;

  beforeAll(async () => {
    storage = await startStorage();
  });
  afterAll(async () => {
    await storage.stop();
    await stopHosts();
  });
  let appDir: string;
  afterEach(() => endCommands(commands.splice(0), appDir));

  const takeApp = async (name: string): Promise<string> => {
    appDir = await makeFolder();
    await cp(path.join(__dirname, '../fixtures/documented-app', name), appDir, { recursive: true });
    await symlink(path.join(root, 'node_modules'), path.join(appDir, 'node_modules'), 'junction');
    return appDir;
  };
  const start = async (args: string[] = []): Promise<{ url: string; command: RunningCommand }> => {
    const command = runCommand(['start', '--app', appDir, '--port', '0', '--no-watch', ...args], root, {
      AzureWebJobsStorage: storage.connectionString,
      FUNCTIONS_WORKER_RUNTIME: 'node',
    });
    commands.push(command);
    await command.sees(/^ready:/m);
    return { command, url: /^ready: (\S+)/m.exec(command.output())?.[1] ?? '' };
  };
  const post = (url: string, body: unknown): Promise<Response> =>
    fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

  it('runs a CommonJS app: HTTP, queue, blobs and timer pass work on', async () => {
    await takeApp('common');
    const { url, command } = await start(['--task-hub', 'memory']);
    const accepted = await post(`${url}/api/parcels/7`, { to: 'Ada' });
    expect([accepted.status, accepted.headers.get('location')]).toEqual([202, '/api/labels/7']);
    expect((await post(`${url}/api/parcels/8`, {})).status).toBe(400);
    expect((await post(`${url}/api/parcels/seven`, {})).status).toBe(404);
    await command.sees(/label for Ada, try 1/);
    await command.sees(/label 7 says To: Ada/);
    expect(await (await fetch(`${url}/api/labels/7`)).text()).toBe('To: Ada');
    expect((await fetch(`${url}/api/labels/8`)).status).toBe(404);
    await command.sees(/timer ran, late: false/, 2);
  });

  it('runs the documented patterns of Durable Functions, on a database', async () => {
    await takeApp('common');
    const { url } = await start();
    const begin = async (
      name: string,
      input: unknown,
    ): Promise<{ statusQueryGetUri: string; sendEventPostUri: string }> => {
      const answer = await post(`${url}/api/orchestrators/${name}`, JSON.stringify(input));
      expect(answer.status).toBe(202);
      return (await answer.json()) as { statusQueryGetUri: string; sendEventPostUri: string };
    };
    const outcome = async ({ statusQueryGetUri }: { statusQueryGetUri: string }): Promise<unknown> =>
      pollUntil(
        async () => {
          const status = (await (await fetch(statusQueryGetUri)).json()) as { runtimeStatus: string; output: unknown };
          return status.runtimeStatus === 'Completed' && { output: status.output };
        },
        { timeoutMs: 30_000, intervalMs: 50 },
      );
    const approval = await begin('approval', null);
    const started = [
      await begin('chain', 'hello'),
      await begin('fanOut', ['one', 'two', 'three']),
      await begin('monitor', null),
      await begin('retrying', null),
      await begin('countTwice', 'a'),
    ];
    expect(await Promise.all(started.map(outcome))).toEqual([
      { output: 'hello!!' },
      { output: 11 },
      { output: 'go out' },
      { output: expect.stringContaining('gave up: ') as string },
      { output: 5 },
    ]);
    const raised = await fetch(approval.sendEventPostUri.replace('{eventName}', 'Answer'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: 'true',
    });
    expect(raised.status).toBe(202);
    expect(await outcome(approval)).toEqual({ output: 'approved' });
  });

  it('runs an ESM app, with streams and a sub-orchestration', async () => {
    await takeApp('module');
    const { url, command } = await start(['--task-hub', 'memory']);
    expect(await (await fetch(`${url}/api/reverseWord?word=abc`)).json()).toEqual({ word: 'cba' });
    expect(await (await post(`${url}/api/reverseWord`, 'abc')).json()).toEqual({ word: 'cba' });
    expect((await fetch(`${url}/api/reverseWord`)).status).toBe(400);
    expect(await (await fetch(`${url}/api/letters/a/b`)).text()).toBe('a/b');
    expect(await (await post(`${url}/api/begin/parent`, 'abc')).json()).toBe('abccba');
    await command.sees(/timer ran/);
  });

  it('runs a TypeScript app built by tsc, and shows mistakes at their place in its source', async () => {
    await takeApp('typescript');
    await promisify(execFile)(process.execPath, [createRequire(__filename).resolve('typescript/bin/tsc')], {
      cwd: appDir,
    });
    const { url, command } = await start(['--task-hub', 'memory']);
    expect(await (await post(`${url}/api/convert`, [32, 212])).json()).toEqual([0, 100]);
    expect((await fetch(`${url}/api/fail`)).status).toBe(500);
    await command.sees(/Error: a mistake of the app\n\s+at .*temperature\.ts:\d+/);
  });
});
