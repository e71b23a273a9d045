import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { HostOptions } from '../../src/host/options';

/** A host in a process of its own, as it runs in life: jest's module loader can't be joined at `@azure/functions-core`. */
export interface HostProcess {
  readonly url: string;
  readonly functions: readonly string[];
  /** All of its standard output so far. */
  output(): string;
  /** Resolves with the first match in the output, waiting for it; rejects with the output after `timeoutMs`. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Stops in order; resolves when the process has ended. */
  stop(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Sends it a signal. */
  signal(name: NodeJS.Signals): void;
  /** Its exit code, once it has ended by itself or otherwise; null after a signal. */
  readonly exited: Promise<number | null>;
}

/** Options of a test's host beside the app's folder; the data folder is a fresh one unless given. */
export type HostProcessOptions = Partial<Omit<HostOptions, 'appDir' | 'clock'>>;

const running = new Set<HostProcess>();
const folders: string[] = [];

/** A temporary folder that `stopHosts` removes. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'functions-host-'));
  folders.push(folder);
  return folder;
}

/** Starts a host and waits until it is ready. Rejects with its message if it can't start. */
export async function startHostProcess(appDir: string, options: HostProcessOptions = {}): Promise<HostProcess> {
  const { child, output } = launch(appDir, { dataDir: options.dataDir ?? (await makeFolder()), ...options });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const message = await firstMessage(child, output);
  if (message.type === 'failed') {
    await exited;
    throw new Error(message.message);
  }
  const host: HostProcess = {
    url: message.url,
    functions: message.functions,
    output,
    waitFor: (pattern, timeoutMs = 10_000) => waitForOutput(child, output, pattern, timeoutMs),
    async stop() {
      running.delete(host);
      if (child.connected) child.send({ type: 'stop' });
      await exited;
    },
    async kill() {
      running.delete(host);
      child.kill('SIGKILL');
      await exited;
    },
    signal: (name) => void child.kill(name),
    exited,
  };
  running.add(host);
  return host;
}

/** Ends what a test left running, and removes its folders. */
export async function stopHosts(): Promise<void> {
  await Promise.all([...running].map((host) => host.kill()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}

type Message =
  | { readonly type: 'ready'; readonly url: string; readonly functions: readonly string[] }
  | { readonly type: 'failed'; readonly message: string };

function launch(appDir: string, options: HostProcessOptions): { child: ChildProcess; output: () => string } {
  const full = {
    appDir,
    port: 0,
    settings: {},
    taskHub: 'memory',
    auth: false,
    logFormat: 'text',
    verifyReplay: 'all',
    startedAt: Date.now(),
    ...options,
  };
  const { settings, ...host } = full;
  const child = fork(path.join(__dirname, '../../dist/child.js'), {
    env: { ...process.env, ...settings, FUNCTIONS_HOST_OPTIONS: JSON.stringify(host) },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let text = '';
  const collect = (chunk: Buffer): void => {
    text += chunk.toString();
    child.emit('output');
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  return { child, output: () => text };
}

function firstMessage(child: ChildProcess, output: () => string): Promise<Message> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as Message));
    child.once('exit', (code) => reject(new Error(`The host ended with ${code} before it was ready:\n${output()}`)));
  });
}

function waitForOutput(
  child: ChildProcess,
  output: () => string,
  pattern: RegExp,
  timeoutMs: number,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(deadline);
      child.off('output', check);
      settle();
    };
    const check = (): void => {
      const match = pattern.exec(output());
      if (match !== null) finish(() => resolve(match));
    };
    const deadline = setTimeout(() => {
      finish(() => reject(new Error(`No ${String(pattern)} within ${timeoutMs} ms in:\n${output()}`)));
    }, timeoutMs);
    child.on('output', check);
    check();
  });
}
