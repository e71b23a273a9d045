import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { findFreePort, isListening } from '../../src/supervisor/addresses';
import { pollUntil } from '../../src/supervisor/poll';
import { signal } from '../../src/supervisor/processes';
import { endCommands, runCommand } from './running-command';
import type { RunningCommand } from './running-command';

// Real processes, and locks that have to run out.
jest.setTimeout(90_000);

/** The fixture app in a folder and on ports of its own, with locks that end after 5 seconds. */
class Bench {
  readonly #dir: string;
  readonly #http: number;
  readonly #client: ServiceBusClient;
  readonly #commands: RunningCommand[] = [];
  readonly bus: number;

  private constructor(dir: string, http: number, bus: number) {
    this.#dir = dir;
    this.#http = http;
    this.bus = bus;
    this.#client = new ServiceBusClient(toConnectionString(bus));
  }

  static async open(): Promise<Bench> {
    const dir = await mkdtemp(path.join(tmpdir(), 'functions-host-app-'));
    await cp(path.join(__dirname, '../fixtures/messages-app'), dir, { recursive: true });
    await symlink(path.join(__dirname, '../../../../node_modules'), path.join(dir, 'node_modules'), 'junction');
    const [http, bus] = [await findFreePort(), await findFreePort()];
    await writeFile(
      path.join(dir, 'local.settings.json'),
      JSON.stringify({ Values: { BUS: toConnectionString(bus) } }),
    );
    const config = await readFile(path.join(dir, 'Config.json'), 'utf8');
    await writeFile(path.join(dir, 'Config.json'), config.replace('"PT1M"', '"PT5S"'));
    return new Bench(dir, http, bus);
  }

  async start(...args: string[]): Promise<RunningCommand> {
    const port = ['--port', String(this.#http)];
    const command = runCommand(['start', ...port, '--task-hub', 'memory', '--no-watch', ...args], this.#dir);
    this.#commands.push(command);
    await command.sees(/^ready:/m);
    return command;
  }

  async send(queue: string, body: unknown): Promise<void> {
    await this.#client.createSender(queue).sendMessages({ body, contentType: 'application/json' });
  }

  async waiting(queue: string): Promise<unknown[]> {
    const messages = await this.#client.createReceiver(queue).peekMessages(10);
    return messages.map(({ body }): unknown => body);
  }

  /** What the functions of the running host have written down, once there are so many such lines. */
  async diaryWith(line: string, count = 1): Promise<string[]> {
    let lines: string[] = [];
    const seen = await pollUntil(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${this.#http}/api/diary`).catch(() => undefined);
        if (answer?.ok === true) lines = ((await answer.json()) as string[]).map((entry) => entry.slice(25));
        return lines.filter((each) => each === line).length >= count;
      },
      { timeoutMs: 40_000 },
    );
    if (seen !== true) throw new Error(`Expected the line ${JSON.stringify(line)}, got ${JSON.stringify(lines)}`);
    return lines;
  }

  async kill(child: string): Promise<void> {
    const text = await readFile(path.join(this.#dir, '.local', 'supervisor', 'children.json'), 'utf8');
    const found = (JSON.parse(text) as { name: string; pid: number }[]).find(({ name }) => name === child);
    if (found === undefined) throw new Error(`Expected a child ${child}, got ${text}`);
    signal(found.pid, 'SIGKILL');
  }

  async close(): Promise<void> {
    await this.#client.close();
    await endCommands(this.#commands, this.#dir);
    await rm(this.#dir, { recursive: true, force: true });
  }
}

function toConnectionString(port: number): string {
  return `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;`;
}

describe('functions-host start, of an app with Service Bus', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.open();
  });
  afterEach(() => bench.close());

  it('starts the emulator that a setting names, keeps its messages, and empties it when asked to', async () => {
    const first = await bench.start();
    expect(first.output()).toContain(`Service Bus emulator is up: 127.0.0.1:${bench.bus} (BUS)`);
    await bench.send('orders', { how: 'complete' });
    await bench.diaryWith('complete, delivery 1 (1)');
    await bench.send('unread', { id: 'kept' });
    first.signal('SIGTERM');
    expect(await first.ended).toBe(0);
    const second = await bench.start();
    expect([await bench.waiting('unread'), await bench.waiting('orders')]).toEqual([[{ id: 'kept' }], []]);
    second.signal('SIGTERM');
    expect(await second.ended).toBe(0);
    await bench.start('--clean');
    expect(await bench.waiting('unread')).toEqual([]);
  });

  it('delivers again what a host held that was killed, once its lock is over', async () => {
    const command = await bench.start();
    await bench.send('orders', { how: 'hang' });
    await bench.send('orders', { how: 'complete' });
    await bench.diaryWith('complete, delivery 1 (1)');
    expect(await bench.diaryWith('hang, delivery 1 (1)')).toHaveLength(2);
    await bench.kill('Host process');
    await command.sees(/^ready:/m, 2);
    // What was completed is done with.
    expect(await bench.diaryWith('hang, delivery 2 (2)')).toEqual(['hang, delivery 2 (2)']);
  });

  it('brings the emulator back when it is killed, with its messages, and the triggers with it', async () => {
    const command = await bench.start();
    await bench.send('unread', { id: 'kept' });
    // The client library takes a minute to notice that a broker died while it asked for leave to receive.
    await bench.send('orders', { how: 'complete' });
    await bench.diaryWith('complete, delivery 1 (1)');
    await bench.kill('Service Bus emulator');
    await command.sees(/Service Bus emulator ended \(signal SIGKILL\); starting it again/);
    const isBack = (): Promise<boolean> => isListening({ host: '127.0.0.1', port: bench.bus });
    expect(await pollUntil(isBack, { timeoutMs: 30_000 })).toBe(true);
    await bench.send('orders', { how: 'complete' });
    await bench.diaryWith('complete, delivery 1 (1)', 2);
    expect(await bench.waiting('unread')).toEqual([{ id: 'kept' }]);
  });
});
