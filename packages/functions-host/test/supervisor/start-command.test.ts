import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isListening } from '../../src/supervisor/addresses';
import { pollUntil } from '../../src/supervisor/poll';
import { readPostmaster } from '../../src/supervisor/postgres-leftover';
import { isAlive, signal } from '../../src/supervisor/processes';
import { endCommands, runCommand } from './running-command';
import type { RunningCommand } from './running-command';
import { helloProgram, makeTinyApp } from './tiny-app';
import type { TinyApp } from './tiny-app';

// Real servers, started from nothing by each test.
jest.setTimeout(90_000);

describe('functions-host start', () => {
  let app: TinyApp;
  let commands: RunningCommand[];

  beforeEach(async () => {
    app = await makeTinyApp();
    commands = [];
  });
  afterEach(async () => {
    await endCommands(commands, app.dir);
    await app.remove();
  });

  const run = (args: string[] = [], env: Record<string, string> = {}): RunningCommand => {
    const command = runCommand(['start', '--port', String(app.ports.http), ...args], app.dir, env);
    commands.push(command);
    return command;
  };
  const hello = async (): Promise<string> => (await fetch(`http://127.0.0.1:${app.ports.http}/api/hello`)).text();
  const hostPid = async (): Promise<number> => {
    const text = await readFile(path.join(app.dir, '.local', 'supervisor', 'children.json'), 'utf8');
    return (JSON.parse(text) as { name: string; pid: number }[]).find(({ name }) => name === 'Host process')?.pid ?? 0;
  };
  const isServing = (): Promise<boolean> => isListening({ host: '127.0.0.1', port: app.ports.http });

  it('runs the app, says when it is ready, and ends everything in order on a signal', async () => {
    const command = run();
    await command.sees(/^ready: http:\/\/localhost:\d+ \(\d+\.\d\d s\)$/m);
    expect(command.output()).toMatch(/\nFunctions:\n\n\thello: \[GET\] http:\/\/localhost:\d+\/api\/hello\n/);
    expect(await hello()).toBe('hello');
    const pid = await hostPid();
    command.signal('SIGINT');
    expect(await command.ended).toBe(0);
    expect(await isAlive(pid)).toBe(false);
    expect(await isServing()).toBe(false);
  });

  it("reads the app's code only when the services that its settings name are up and its tasks have run", async () => {
    const look = `
const { Client } = require('pg');
globalThis.seen = (async () => {
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  const { rows } = await client.query("SELECT to_regclass('notes') IS NOT NULL AS found");
  await client.end();
  return 'notes: ' + rows[0].found;
})();
const { app } = require('@azure/functions');
app.http('hello', { methods: ['GET'], authLevel: 'anonymous', handler: async () => ({ body: await globalThis.seen }) });
`;
    await app.write('dist/app.js', look);
    const command = run(['--no-watch']);
    await command.sees(/^ready:/m);
    expect(await hello()).toBe('notes: true');
  });

  it("reads the app's code while its task hub comes up when it names no service, and ends that when it fails", async () => {
    await app.write('local.settings.json', '{}');
    await app.write('package.json', JSON.stringify({ main: 'dist/app.js' }));
    await app.write('dist/app.js', "throw new Error('not today');");
    const command = run(['--no-watch']);
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain('not today');
    expect(await readPostmaster(path.join(app.dir, '.local', 'postgres'))).toBeUndefined();
    await app.write('dist/app.js', helloProgram('hello'));
    await run(['--no-watch']).sees(/^ready:/m);
    expect(await hello()).toBe('hello');
  });

  it('brings the host back when it is killed', async () => {
    const command = run();
    await command.sees(/^ready:/m);
    for (const times of [1, 2, 3]) {
      signal(await hostPid(), 'SIGKILL');
      await command.sees(/Host process ended \(signal SIGKILL\); starting it again/, times);
      await command.sees(/^ready:/m, times + 1);
      expect(await hello()).toBe('hello');
    }
  });

  it('ends the host when it is killed itself, and starts again beside what is left', async () => {
    const killed = run();
    await killed.sees(/^ready:/m);
    const pid = await hostPid();
    killed.signal('SIGKILL');
    await killed.ended;
    const next = run();
    await next.sees(/^ready:/m);
    expect(await isAlive(pid)).toBe(false);
    expect(await hello()).toBe('hello');
  });

  it('starts the host again with the new code when a file of the app changes', async () => {
    const command = run();
    await command.sees(/^ready:/m);
    await app.write('dist/app.js', helloProgram('hello again'));
    await command.sees(/dist.app\.js changed; starting the host again/);
    await command.sees(/^ready:/m, 2);
    expect(await hello()).toBe('hello again');
  });

  it('waits for the next change when the new code does not load', async () => {
    const command = run();
    await command.sees(/^ready:/m);
    await app.write('dist/app.js', `throw new Error('half written');`);
    await command.sees(/Error: half written[^]*Waiting for a change of the app/);
    expect(await isServing()).toBe(false);
    await app.write('dist/app.js', helloProgram('whole again'));
    await command.sees(/^ready:/m, 2);
    expect(await hello()).toBe('whole again');
  });

  it('takes over changed settings: the host alone for most, the services too for those that name them', async () => {
    const command = run();
    await command.sees(/^ready:/m);
    const text = await readFile(path.join(app.dir, 'local.settings.json'), 'utf8');
    const settings = JSON.parse(text) as { Values: Record<string, string> };
    settings.Values['GREETING'] = ' you';
    await app.write('local.settings.json', JSON.stringify(settings));
    await command.sees(/^ready:/m, 2);
    expect(await hello()).toBe('hello you');
    expect(command.output().match(/PostgreSQL is up/g)).toHaveLength(1);

    settings.Values['DATABASE_URL'] = app.databaseUrl.replace(/orders$/, 'more_orders');
    await app.write('local.settings.json', JSON.stringify(settings));
    await command.sees(/^ready:/m, 3);
    expect(command.output().match(/PostgreSQL is up/g)).toHaveLength(2);
    expect(await hello()).toBe('hello you');
  });

  it('starts a service again when its program changes, and nothing else', async () => {
    const command = run();
    await command.sees(/^ready:/m);
    const pid = await hostPid();
    const echo = await readFile(path.join(app.dir, 'dist/local/echo.js'), 'utf8');
    await app.write('dist/local/echo.js', echo.replace('first echo', 'second echo'));
    await command.sees(/echo\.js changed; starting echo again/);
    const answer = async (): Promise<boolean> =>
      (
        await fetch(`http://127.0.0.1:${app.ports.echo}`).then(
          (response) => response.text(),
          () => '',
        )
      ).startsWith('second echo');
    expect(await pollUntil(answer, { timeoutMs: 15_000 })).toBe(true);
    expect(await hostPid()).toBe(pid);
  });

  it('gives the environment precedence over local.settings.json', async () => {
    const command = run([], { GREETING: ' world' });
    await command.sees(/^ready:/m);
    expect(await hello()).toBe('hello world');
  });

  it('ends with 1 and the error of an app that does not load, and leaves nothing running', async () => {
    await app.write('dist/app.js', `throw new Error('no such module');`);
    const command = run();
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(
      /The app's entry point dist.app\.js threw while it was loaded:\nError: no such module/,
    );
    const ports = [app.ports.postgres, app.ports.blob, app.ports.echo];
    expect(await Promise.all(ports.map((port) => isListening({ host: '127.0.0.1', port })))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('names a port that is taken, before anything is started', async () => {
    const server = createServer().listen(app.ports.http, '127.0.0.1');
    try {
      const command = run();
      expect(await command.ended).toBe(1);
      expect(command.output()).toBe(
        `Port ${app.ports.http} is in use by another process. End it, or take another port with --port N.\n`,
      );
    } finally {
      server.close();
    }
  });

  it('speaks JSON when asked to', async () => {
    const command = run(['--log-format', 'json', '--no-watch']);
    await command.sees(/"message":"ready"/);
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);
    const lines = command.output().trimEnd().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages).toContain('Stopping (SIGTERM)');
  });
});
