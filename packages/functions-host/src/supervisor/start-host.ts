/*
 * `functions-host start` as a function, for tests and programs.
 *
 * The host has a process of its own here too. An app registers its functions while its modules are loaded, once in the life of a
 * process, and meets the host through a patch of Node's module loader, which test runners replace by loaders of their own:
 * in the caller's process the second host would find nothing registered, and under Jest not even the first. So hosts can
 * follow one another, run side by side, and take nothing down with them.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { realClock } from '../clock';
import { createHostOutput } from '../host/host-output';
import { StartError } from '../host/start-error';
import type { HostReady } from './host-process';
import { checkStartOptions } from './start-options';
import type { StartOptions } from './start-options';
import { supervise } from './supervise';

/** A host that takes requests. */
export interface RunningHost {
  /** e.g. `http://localhost:7071` */
  readonly url: string;
  readonly port: number;
  readonly functionNames: readonly string[];
  /** Takes no more work, lets what runs settle (within 10 s) and ends everything that was started. Twice is fine. */
  stop(): Promise<void>;
}

/** The built program of the host's process, also when this file is run from source. */
const hostEntry = path.resolve(__dirname, path.basename(__dirname) === 'dist' ? 'child.js' : '../../dist/child.js');

/**
 * Starts a host with an app and resolves when it takes requests. What it started ends with `stop()`, and with this process.
 * @throws StartError whose message says what has to be put right; nothing is left running then.
 */
export async function startHost(options: StartOptions = {}): Promise<RunningHost> {
  const startedAt = realClock.now();
  checkStartOptions(options);
  const temporary = options.dataDir === undefined ? await makeTemporaryFolder() : undefined;
  const stopping = new AbortController();
  const write = toWriter(options.log ?? 'text');
  const logFormat = options.log === 'json' ? 'json' : 'text';
  const services = options.services ?? false;
  const taskHub = options.taskHub ?? (services ? undefined : 'memory');
  let killAll = (): void => undefined;
  const onExit = (): void => killAll();
  process.on('exit', onExit);
  let ready: (about: HostReady) => void = () => undefined;
  const readiness = new Promise<HostReady>((resolve) => (ready = resolve));
  const life = supervise(
    {
      command: 'start',
      services,
      appDir: path.resolve(options.appDir ?? '.'),
      port: options.port ?? 0,
      dataDir: path.resolve(options.dataDir ?? temporary ?? ''),
      environment: process.env,
      ...(options.settings && { given: options.settings }),
      ...(taskHub !== undefined && { taskHub }),
      ...(options.functions && { functions: options.functions }),
      auth: options.auth ?? false,
      verifyReplay: options.verifyReplay ?? 'all',
      logFormat,
      output: createHostOutput({ format: logFormat, colour: false }, {}, realClock, write),
      hostOutput: write,
      clean: false,
      watch: false,
      isInteractive: false,
      startedAt,
      hostEntry,
      onKill: (kill) => (killAll = kill),
      onReady: ready,
    },
    stopping.signal,
  ).finally(async () => {
    process.off('exit', onExit);
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  });
  const about = await Promise.race([readiness, life]);
  if (about === undefined) throw new StartError('The host ended before it was ready.');
  // What goes wrong later is told by stop().
  life.catch(() => undefined);
  return {
    url: about.url,
    port: Number(new URL(about.url).port),
    functionNames: about.functions,
    stop: () => {
      stopping.abort();
      return life;
    },
  };
}

function toWriter(log: NonNullable<StartOptions['log']>): (text: string) => void {
  if (typeof log === 'function') return log;
  return log === 'none' ? () => undefined : (text) => void process.stdout.write(text);
}

/** Others may pass through it: a database started by root runs as somebody else. */
async function makeTemporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'functions-host-'));
  await chmod(folder, 0o711);
  return folder;
}
