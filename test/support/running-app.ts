import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tryListen } from '../../packages/functions-host/src/supervisor/addresses';
import { endWithStarter } from '../../packages/functions-host/src/supervisor/end-with-starter';

/** The app as `npm start` runs it, on ports and in a folder of its own, with every part real. */
export interface RunningApp {
  /** Base address of the host, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly dataDir: string;
  /** The settings that this app was given instead of those of local.settings.json. */
  readonly settings: Readonly<Record<string, string>>;
  /** The supervisor's process. */
  readonly process: ChildProcess;
  /** All that the supervisor and the host have printed so far. */
  output(): string;
  /** Ends everything in order, as Ctrl-C does, and removes the folder. Resolves with the exit code or the ending signal. */
  stop(): Promise<number | NodeJS.Signals | null>;
}

export interface RunningAppOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Program and first arguments; the host's command line by default. */
  readonly command?: readonly string[];
  /** The app's folder; this repository by default. */
  readonly folder?: string;
  readonly readyWithinMs?: number;
  /** Called with every piece of output. */
  readonly onOutput?: (text: string) => void;
}

const root = path.resolve(__dirname, '../..');

/** The host's command line. */
export const hostProgram = path.join(root, 'packages/functions-host/dist/cli.js');

/** The account name and key that every storage emulator has built in; they open nothing else. */
const STORAGE_ACCOUNT =
  'DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;' +
  'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;';

/** Starts the app and resolves when it is ready; rejects with what it printed when it ends or takes too long. */
export async function startApp(options: RunningAppOptions = {}): Promise<RunningApp> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'running-app-'));
  // Started by root, PostgreSQL runs as another user, who must get in here.
  await chmod(dataDir, 0o755);
  const [http, ...others] = await freePorts(10);
  const settings = { ...localSettings(http, others), ...options.env };
  const { folder = root } = options;
  const [program = process.execPath, ...first] = options.command ?? [
    process.execPath,
    hostProgram,
    'start',
    '--no-watch',
  ];
  const child = spawn(
    program,
    [...first, '--app', folder, '--port', String(http), '--data', dataDir, ...(options.args ?? [])],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...settings },
      // A process group of its own stands for the terminal's: Ctrl-C reaches all of it, and npm passes no SIGINT on.
      detached: true,
    },
  );
  endWithStarter(child, 'SIGINT', true);
  const ended = once(child, 'exit');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      options.onOutput?.(text);
    });
  }
  const stop = async (): Promise<number | NodeJS.Signals | null> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGINT');
    await ended;
    await rm(dataDir, { recursive: true, force: true });
    return child.exitCode ?? child.signalCode;
  };
  try {
    await until('the app is ready', options.readyWithinMs ?? 60_000, () => {
      if (child.exitCode !== null) throw new Error(`the app ended with ${child.exitCode} before it was ready`);
      return /\bready\b/i.test(output) ? true : undefined;
    });
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}\n${output}`, { cause: error });
  }
  return { url: `http://127.0.0.1:${http}`, dataDir, settings, process: child, output: () => output, stop };
}

/**
 * Settings by which everything is on this machine.
 * @param http the host's port; `ports`: nine more.
 */
export function localSettings(http: number | undefined, ports: readonly number[]): Record<string, string> {
  const [blob, queue, table, postgres, payments, carrier, smtp, mail, serviceBus] = ports;
  const endpoint = (kind: string, port: number | undefined): string =>
    `${kind}Endpoint=http://127.0.0.1:${port}/devstoreaccount1;`;
  return {
    AzureWebJobsStorage: STORAGE_ACCOUNT + endpoint('Blob', blob) + endpoint('Queue', queue) + endpoint('Table', table),
    DATABASE_URL: `postgres://postgres:postgres@127.0.0.1:${postgres}/orders`,
    PAYMENT_PROVIDER_URL: `http://127.0.0.1:${payments}`,
    CARRIER_URL: `http://127.0.0.1:${carrier}`,
    CARRIER_CALLBACK_URL: `http://127.0.0.1:${http}/api/returns/{returnId}/collected`,
    SMTP_URL: `smtp://127.0.0.1:${smtp}`,
    MAIL_CATCHER_URL: `http://127.0.0.1:${mail}`,
    ServiceBusConnection:
      `Endpoint=sb://127.0.0.1:${serviceBus};SharedAccessKeyName=RootManageSharedAccessKey;` +
      'SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true;',
  };
}

/** Below the ports that systems give to connections and to whoever listens at 0; each worker of a test run has so many. */
const FIRST_PORT = 12_000;
const PORTS_EACH = 2_200;
const WORKERS = 8;
const given = new Set<number>();

/** Ports that were free a moment ago; no port comes twice, nor from another worker of the test run. */
export async function freePorts(count: number): Promise<number[]> {
  const worker = process.env['JEST_WORKER_ID'];
  const first = FIRST_PORT + (worker === undefined ? WORKERS : (Number(worker) - 1) % WORKERS) * PORTS_EACH;
  const ports: number[] = [];
  while (ports.length < count) {
    if (given.size >= PORTS_EACH / 2) given.clear();
    const port = first + randomInt(PORTS_EACH);
    if (given.has(port) || ports.includes(port) || (await tryListen({ host: '127.0.0.1', port })) !== undefined)
      continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

/** Asks `probe` until it finds something; rejects with `what` when the time is over. */
export async function until<T>(
  what: string,
  withinMs: number,
  probe: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}

/** Runs a timer's function now; resolves when the host says that it has succeeded. */
export async function runTimer(app: RunningApp, name: string): Promise<void> {
  const runs = () => app.output().split(`Executed 'Functions.${name}' (Succeeded`).length;
  const before = runs();
  const answer = await fetch(`${app.url}/admin/functions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: '' }),
  });
  expect(answer.status).toBe(202);
  await until(`${name} has succeeded`, 30_000, () => (runs() > before ? true : undefined));
}
