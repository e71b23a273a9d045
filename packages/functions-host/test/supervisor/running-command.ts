import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { endWithStarter } from '../../src/supervisor/end-with-starter';
import { pollUntil } from '../../src/supervisor/poll';
import { readPostmaster } from '../../src/supervisor/postgres-leftover';
import { signal } from '../../src/supervisor/processes';

const ownProgram = path.join(__dirname, '../../bin/functions-host.js');

/** `functions-host` as its own process, with what it printed. */
export interface RunningCommand {
  readonly pid: number;
  output(): string;
  /** Waits until the output has this many matches. */
  sees(pattern: RegExp, times?: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Ends what a test ran on the app in `appDir`, and the database that a killed command has left. */
export async function endCommands(commands: readonly RunningCommand[], appDir: string): Promise<void> {
  for (const command of commands) {
    command.signal('SIGTERM');
    await command.ended;
  }
  const postmaster = await readPostmaster(path.join(appDir, '.local', 'postgres'));
  if (postmaster) signal(postmaster.pid, 'SIGKILL');
}

export function runCommand(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  program = ownProgram,
): RunningCommand {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { ...withoutNpm(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endWithStarter(child, 'SIGINT');
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // Not `exit`: what it printed has to be here, too. Killed outright it leaves children that still hold its output.
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
    child.once('exit', (_, signal) => signal && resolve(signal));
  });
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    signal: (name) => child.kill(name),
    sees: async (pattern, times = 1) => {
      const global = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`);
      const count = (): number => [...output.matchAll(global)].length;
      const seen = await pollUntil(() => count() >= times || (hasEnded && ('ended' as const)), { timeoutMs: 60_000 });
      if (seen !== true)
        throw new Error(`Expected ${String(pattern)} ${times} times in the output, got ${count()}:\n${output}`);
    },
  };
}

/** Jest runs under npm, which functions-host would watch for its end. */
function withoutNpm(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^npm_|^CI$/i.test(name)));
}
