import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { Client } from 'pg';
import { isListening } from '../../src/supervisor/addresses';
import { pollUntil } from '../../src/supervisor/poll';
import { readPostmaster } from '../../src/supervisor/postgres-leftover';
import { isAlive, signal } from '../../src/supervisor/processes';
import { endCommands, runCommand } from './running-command';
import type { RunningCommand } from './running-command';
import { makeTinyApp } from './tiny-app';
import type { TinyApp } from './tiny-app';

interface ChildRecord {
  readonly name: string;
  readonly pid: number;
}

// Real servers, started from nothing.
jest.setTimeout(90_000);

let app: TinyApp;
let commands: RunningCommand[];
const open = async (): Promise<void> => {
  app = await makeTinyApp();
  commands = [];
};
const close = async (): Promise<void> => {
  await endCommands(commands, app.dir);
  await app.remove();
};

const run = (...args: string[]): RunningCommand => {
  const command = runCommand(['services', '--app', app.dir, ...args], app.dir);
  commands.push(command);
  return command;
};
const query = async (sql: string, values: string[] = []): Promise<unknown[]> => {
  const client = new Client({ connectionString: app.databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
};
const echo = async (): Promise<string> => (await fetch(`http://127.0.0.1:${app.ports.echo}`)).text();
const children = async (): Promise<ChildRecord[]> =>
  JSON.parse(await readFile(path.join(app.dir, '.local', 'supervisor', 'children.json'), 'utf8')) as ChildRecord[];
const pidOf = async (name: string): Promise<number> => {
  if (name === 'PostgreSQL') return (await readPostmaster(path.join(app.dir, '.local', 'postgres')))?.pid ?? 0;
  const record = await pollUntil(async () => (await children()).find((child) => child.name === name), {
    timeoutMs: 10_000,
  });
  return record?.pid ?? 0;
};
const portsInUse = async (): Promise<boolean[]> =>
  Promise.all(
    [app.ports.postgres, app.ports.blob, app.ports.echo].map((port) => isListening({ host: '127.0.0.1', port })),
  );

// On one data folder, in this order: each begins where the one before has ended.
describe('functions-host services', () => {
  let command: RunningCommand;
  beforeAll(async () => {
    await open();
    command = run();
    await command.sees(/^ready/m);
  });
  afterAll(close);

  it('starts all that the settings ask for, and says where', async () => {
    await command.sees(/^ready \(\d+\.\d\d s\)$/m);
    expect(command.output()).toMatch(
      new RegExp(`PostgreSQL is up: 127\\.0\\.0\\.1:${app.ports.postgres} \\(DATABASE_URL\\)`),
    );
    expect(command.output()).toMatch(
      new RegExp(`Azurite is up: blob 127\\.0\\.0\\.1:${app.ports.blob}, .* \\(AzureWebJobsStorage\\)`),
    );
    expect(command.output()).toMatch(new RegExp(`echo is up: 127\\.0\\.0\\.1:${app.ports.echo} \\(ECHO_URL\\)`));
    expect(await echo()).toBe(`first echo in ${path.join(app.dir, '.local', 'echo')}`);
    expect(await query('SELECT * FROM notes')).toEqual([]);
    expect(await query("SELECT 1 FROM pg_database WHERE datname = 'functions_host'")).toEqual([]);
    await query("INSERT INTO notes VALUES ('kept')");
    await BlobServiceClient.fromConnectionString(app.storage).getContainerClient('things').create();
  });

  it.each(['PostgreSQL', 'Azurite', 'echo'])('starts %s again when it is killed', async (name) => {
    const before = await pidOf(name);
    signal(before, 'SIGKILL');
    await command.sees(new RegExp(`${name} ended \\(signal SIGKILL\\); starting it again`));
    await command.sees(new RegExp(`${name} is up again`));
    expect(await pidOf(name)).not.toBe(before);
    expect(await portsInUse()).toEqual([true, true, true]);
    expect(await query('SELECT text FROM notes')).toEqual([{ text: 'kept' }]);
  });

  it('refuses a second one on the same data folder, also with --clean', async () => {
    const second = run();
    expect(await second.ended).toBe(1);
    expect(second.output()).toBe(
      `Another functions-host (process ${command.pid}) uses the data folder ${path.join(app.dir, '.local')}. End it first, or name another folder with --data.\n`,
    );
    const third = run('--clean');
    expect(await third.ended).toBe(1);
    expect(await query('SELECT text FROM notes')).toEqual([{ text: 'kept' }]);
  });

  it('leaves nothing but the database when it is killed, and the next start takes that over', async () => {
    const left = { postgres: await pidOf('PostgreSQL'), azurite: await pidOf('Azurite'), echo: await pidOf('echo') };
    command.signal('SIGKILL');
    await command.ended;
    command = run();
    await command.sees(/^ready/m);
    expect(await Promise.all(Object.values(left).map(isAlive))).toEqual([false, false, false]);
    expect(await query('SELECT text FROM notes')).toEqual([{ text: 'kept' }]);
    expect(await echo()).toContain('first echo');
  });

  it('ends all of it on a signal', async () => {
    const pids = [await pidOf('PostgreSQL'), await pidOf('Azurite'), await pidOf('echo')];
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(await Promise.all(pids.map(isAlive))).toEqual([false, false, false]);
    expect(existsSync(path.join(app.dir, '.local', 'supervisor', 'lock'))).toBe(false);
  });

  it('begins anew with --clean, but empties no folder that is not its own', async () => {
    const second = run('--clean');
    await second.sees(/^ready/m);
    expect(await query('SELECT text FROM notes')).toEqual([]);
    second.signal('SIGINT');
    await second.ended;

    const third = run('--clean', '--data', path.join(app.dir, 'dist'));
    expect(await third.ended).toBe(1);
    expect(third.output()).toContain('does not look like a data folder of functions-host');
    expect(existsSync(path.join(app.dir, 'dist', 'app.js'))).toBe(true);
  });
});

describe('functions-host services that end by themselves', () => {
  beforeEach(open);
  afterEach(close);

  it('ends with the last words of a task that fails, and leaves nothing running', async () => {
    await app.write('dist/scripts/migrate.js', `console.error('no such column'); process.exit(5);`);
    const command = run();
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(
      /The task migrate ended with code 5\. Its last lines, of .*migrate\.log:\nno such column\n$/,
    );
    expect(await portsInUse()).toEqual([false, false, false]);
  });

  it('gives up on a service that dies at start, and leaves nothing running', async () => {
    await app.write('dist/local/echo.js', `throw new Error('no voice');`);
    const command = run();
    expect(await command.ended).toBe(1);
    expect(command.output()).toMatch(/echo did not start, 3 times in a row\..*Error: no voice/s);
    expect(await portsInUse()).toEqual([false, false, false]);
  });

  it('says at once what a signal in the middle of a start means, and leaves nothing running', async () => {
    const command = run();
    await command.sees(/echo is up/);
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);
    expect(await portsInUse()).toEqual([false, false, false]);
  });

  it('ends with 2 and the name of an option that is wrong', async () => {
    const command = run('--prot', '1');
    expect(await command.ended).toBe(2);
    expect(command.output()).toBe('unknown option --prot. See functions-host --help.\n');
  });

  it('says which file it is when the settings are encrypted', async () => {
    const file = path.join(app.dir, 'local.settings.json');
    await writeFile(file, '{ "IsEncrypted": true, "Values": {} }');
    const command = run();
    expect(await command.ended).toBe(1);
    expect(command.output()).toContain(`${file} is encrypted`);
  });
});
