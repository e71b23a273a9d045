/*
 * Node processes that must not outlive this one hang on it by their IPC channel. Before their own code runs, a line is
 * loaded into them (`--import` of a data: URL) that listens for the channel's end, which the system brings about however this process
 * ends, `kill -9` included. The end of the channel is also how they are told to stop, since there are no signals to send
 * on Windows: they see it as a SIGTERM, and those that don't listen for one exit.
 *
 * They get a process group of their own: Ctrl-C in a terminal goes to a whole group at once, and would end the storage
 * before the host that still writes to it.
 */
import { fork } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { endOf } from './running';
import type { Running } from './running';

/** How long a process may take to end by itself once it was told to, whoever told it. */
const GRACE_MS = 5_000;

const tether = `
process.on('disconnect', () => {
  setTimeout(() => process.exit(1), ${GRACE_MS}).unref();
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(0);
});
process.channel?.unref();
`;

export interface TetheredOptions {
  readonly entry: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Descriptor that takes both outputs. */
  readonly output: number;
}

/** Starts a Node process that ends when this one does. Ending it is `cutTether`. */
export function forkTethered({ entry, args = [], cwd, env, output }: TetheredOptions): ChildProcess {
  return forkDetached(entry, {
    args,
    cwd,
    env,
    execArgv: ['--import', `data:text/javascript,${encodeURIComponent(tether)}`],
    stdio: ['ignore', output, output, 'ipc'],
  });
}

/** `fork` into a process group of its own, where there are groups. */
export function forkDetached(
  entry: string,
  options: {
    readonly args: readonly string[];
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly execArgv: readonly string[];
    readonly stdio: StdioOptions;
  },
): ChildProcess {
  return fork(entry, options.args, {
    cwd: options.cwd,
    env: options.env,
    execArgv: [...options.execArgv],
    stdio: options.stdio,
    detached: process.platform !== 'win32',
    // Known to spawn, which fork hands its options to, if not to fork's types.
    ...{ windowsHide: true },
  });
}

/** Makes a tethered process stop, by force when it takes longer than it may. */
export async function cutTether(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  if (child.connected) child.disconnect();
  const patience = new AbortController();
  const outcome = await Promise.race([
    ended,
    delay(GRACE_MS + 1_000, 'late' as const, { signal: patience.signal }).catch(() => 'ended'),
  ]);
  patience.abort();
  if (outcome !== 'late') return;
  child.kill('SIGKILL');
  await ended;
}

/** A tethered process as something that runs and can be stopped. */
export function toRunning(child: ChildProcess): Running {
  const ended = endOf(child);
  return { pid: child.pid ?? 0, ended, stop: () => cutTether(child, ended) };
}
