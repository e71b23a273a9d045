import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '../clock';
import type { LoadedApp } from '../host/options';
import { messageOf } from '../supervisor/failures';
import { type HostMessage, optionsVariable, type TryOptions } from '../supervisor/host-process';
import { endOf } from '../supervisor/running';
import { forkDetached } from '../supervisor/tethered';

const patienceMs = 30_000;

export type TriedApp =
  | { readonly app: LoadedApp }
  /** Why it doesn't load, and what it printed until then. */
  | { readonly failure: string; readonly printed: string };

/** Loads an app in a process of its own, which ends before anything is invoked. */
export async function tryApp(options: {
  readonly appDir: string;
  readonly hostEntry: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly only?: readonly string[];
}): Promise<TriedApp> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'functions-host-doctor-'));
  try {
    return await runTrial(options, {
      appDir: options.appDir,
      port: 0,
      dataDir,
      taskHub: 'memory',
      auth: false,
      logFormat: 'text',
      verifyReplay: 'off',
      startedAt: realClock.now(),
      ...(options.only && { functions: options.only }),
      loadOnly: true,
    });
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function runTrial(
  { appDir, hostEntry, settings }: Parameters<typeof tryApp>[0],
  host: TryOptions,
): Promise<TriedApp> {
  const child = forkDetached(hostEntry, {
    args: [],
    cwd: appDir,
    env: { ...settings, [optionsVariable]: JSON.stringify(host) },
    execArgv: ['--enable-source-maps'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  }
  const ended = endOf(child);
  const patience = new AbortController();
  try {
    return await Promise.race([
      new Promise<TriedApp>((resolve) =>
        child.once('message', (message: HostMessage) => {
          if (message.type === 'loaded') resolve({ app: message.app });
          else if (message.type === 'failed') resolve({ failure: message.message, printed });
        }),
      ),
      ended.then((how) => ({ failure: `It ended the process while it was loading (${how}).`, printed })),
      delay(patienceMs, undefined, { signal: patience.signal }).then(() => ({
        failure: `It has not finished loading after ${patienceMs / 1000} s: an entry point waits for something that does not come.`,
        printed,
      })),
    ]);
  } catch (error) {
    return { failure: messageOf(error), printed };
  } finally {
    patience.abort();
    child.kill('SIGKILL');
    await ended;
  }
}
