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

// Real servers, started from nothing.
jest.setTimeout(90_000);

/** An app, and what the tests of one `describe` run on it. */
class Bench {
  readonly app: TinyApp;
  readonly #commands: RunningCommand[] = [];

  private constructor(app: TinyApp) {
    this.app = app;
  }

  static async open(): Promise<Bench> {
    return new Bench(await makeTinyApp());
  }

  run(args: string[] = [], env: Record<string, string> = {}): RunningCommand {
    const command = runCommand(['start', '--port', String(this.app.ports.http), ...args], this.app.dir, env);
    this.#commands.push(command);
    return command;
  }

  async hello(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.app.ports.http}/api/hello`)).text();
  }

  async hostPid(): Promise<number> {
    const text = await readFile(path.join(this.app.dir, '.local', 'supervisor', 'children.json'), 'utf8');
    return (JSON.parse(text) as { name: string; pid: number }[]).find(({ name }) => name === 'Host process')?.pid ?? 0;
  }

  isServing(): Promise<boolean> {
    return isListening({ host: '127.0.0.1', port: this.app.ports.http });
  }

  async changeSettings(values: Record<string, string>): Promise<void> {
    const text = await readFile(path.join(this.app.dir, 'local.settings.json'), 'utf8');
    const settings = JSON.parse(text) as { Values: Record<string, string> };
    await this.app.write('local.settings.json', JSON.stringify({ Values: { ...settings.Values, ...values } }));
  }

  async close(): Promise<void> {
    await endCommands(this.#commands, this.app.dir);
    await this.app.remove();
  }
}

describe('functions-host start', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.open();
  });
  afterEach(() => bench.close());

  it('runs the app, says when it is ready, and ends everything in order on a signal', async () => {
    // The environment takes precedence over the file.
    await bench.changeSettings({ GREETING: ' file' });
    const command = bench.run([], { GREETING: ' world' });
    await command.sees(/^ready: http:\/\/localhost:\d+ \(\d+\.\d\d s\)$/m);
    expect(command.output()).toMatch(/\nFunctions:\n\n\thello: \[GET\] http:\/\/localhost:\d+\/api\/hello\n/);
    expect(await bench.hello()).toBe('hello world');
    const pid = await bench.hostPid();
    command.signal('SIGINT');
    expect(await command.ended).toBe(0);
    expect(await isAlive(pid)).toBe(false);
    expect(await bench.isServing()).toBe(false);
  });

  it("reads the app's code only when the services that its settings name are up and its tasks have run, and speaks JSON when asked to", async () => {
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
    await bench.app.write('dist/app.js', look);
    const command = bench.run(['--log-format', 'json', '--no-watch']);
    await command.sees(/"message":"ready"/);
    expect(await bench.hello()).toBe('notes: true');
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);
    const lines = command.output().trimEnd().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages).toContain('Stopping (SIGTERM)');
  });

  it("reads the app's code while its task hub comes up when it names no service, and ends that when it fails", async () => {
    await bench.app.write('local.settings.json', '{}');
    await bench.app.write('package.json', JSON.stringify({ main: 'dist/app.js' }));
    await bench.app.write('dist/app.js', "throw new Error('not today');");
    const command = bench.run(['--no-watch']);
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain('not today');
    expect(await readPostmaster(path.join(bench.app.dir, '.local', 'postgres'))).toBeUndefined();
    await bench.app.write('dist/app.js', helloProgram('hello'));
    await bench.run(['--no-watch']).sees(/^ready:/m);
    expect(await bench.hello()).toBe('hello');
  });

  it('ends with 1 and the error of an app that does not load, and leaves nothing running', async () => {
    await bench.app.write('dist/app.js', `throw new Error('no such module');`);
    const command = bench.run();
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(
      /The app's entry point dist.app\.js threw while it was loaded:\nError: no such module/,
    );
    const ports = [bench.app.ports.postgres, bench.app.ports.blob, bench.app.ports.echo];
    expect(await Promise.all(ports.map((port) => isListening({ host: '127.0.0.1', port })))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('names a port that is taken, before anything is started', async () => {
    const server = createServer().listen(bench.app.ports.http, '127.0.0.1');
    try {
      const command = bench.run();
      expect(await command.ended).toBe(1);
      expect(command.output()).toBe(
        `Port ${bench.app.ports.http} is in use by another process. End it, or take another port with --port N.\n`,
      );
    } finally {
      server.close();
    }
  });
});

// One command for all of them, in this order: each begins where the one before has ended.
describe('functions-host start, of an app that is worked on', () => {
  let bench: Bench;
  let command: RunningCommand;
  /** How many times it has been ready so far. */
  let times = 1;
  const readyAgain = (): Promise<void> => command.sees(/^ready:/m, (times += 1));

  beforeAll(async () => {
    bench = await Bench.open();
    command = bench.run();
    await command.sees(/^ready:/m);
  });
  afterAll(() => bench.close());

  it('brings the host back when it is killed', async () => {
    for (const kills of [1, 2, 3]) {
      signal(await bench.hostPid(), 'SIGKILL');
      await command.sees(/Host process ended \(signal SIGKILL\); starting it again/, kills);
      await readyAgain();
      expect(await bench.hello()).toBe('hello');
    }
  });

  it('starts the host again with the new code when a file of the app changes', async () => {
    await bench.app.write('dist/app.js', helloProgram('hello again'));
    await command.sees(/dist.app\.js changed; starting the host again/);
    await readyAgain();
    expect(await bench.hello()).toBe('hello again');
  });

  it('waits for the next change when the new code does not load', async () => {
    await bench.app.write('dist/app.js', `throw new Error('half written');`);
    await command.sees(/Error: half written[^]*Waiting for a change of the app/);
    expect(await bench.isServing()).toBe(false);
    await bench.app.write('dist/app.js', helloProgram('whole again'));
    await readyAgain();
    expect(await bench.hello()).toBe('whole again');
  });

  it('takes over changed settings: the host alone for most, the services too for those that name them', async () => {
    await bench.changeSettings({ GREETING: ' you' });
    await readyAgain();
    expect(await bench.hello()).toBe('whole again you');
    expect(command.output().match(/PostgreSQL is up/g)).toHaveLength(1);

    await bench.changeSettings({ DATABASE_URL: bench.app.databaseUrl.replace(/orders$/, 'more_orders') });
    await readyAgain();
    expect(command.output().match(/PostgreSQL is up/g)).toHaveLength(2);
    expect(await bench.hello()).toBe('whole again you');
  });

  it('starts a service again when its program changes, and nothing else', async () => {
    const pid = await bench.hostPid();
    const echo = await readFile(path.join(bench.app.dir, 'dist/local/echo.js'), 'utf8');
    await bench.app.write('dist/local/echo.js', echo.replace('first echo', 'second echo'));
    await command.sees(/echo\.js changed; starting echo again/);
    const answer = async (): Promise<boolean> =>
      (
        await fetch(`http://127.0.0.1:${bench.app.ports.echo}`).then(
          (response) => response.text(),
          () => '',
        )
      ).startsWith('second echo');
    expect(await pollUntil(answer, { timeoutMs: 15_000 })).toBe(true);
    expect(await bench.hostPid()).toBe(pid);
  });

  it('ends the host when it is killed itself, and starts again beside what is left', async () => {
    const pid = await bench.hostPid();
    command.signal('SIGKILL');
    await command.ended;
    const next = bench.run();
    await next.sees(/^ready:/m);
    expect(await isAlive(pid)).toBe(false);
    expect(await bench.hello()).toBe('whole again you');
  });
});
