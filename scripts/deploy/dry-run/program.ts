import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { endWithStarter } from '../../../packages/functions-host/src/supervisor/end-with-starter';

/** A program of functions-host that runs beside the dry run. */
export interface Program {
  /** All that it has printed. */
  output(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Ends it in order, as Ctrl-C does. */
  stop(): Promise<void>;
}

/**
 * Starts functions-host and resolves when it says that it is ready; rejects with what it printed when it ends before that.
 * @param root the checkout that has it built
 */
export async function startFunctionsHost(
  root: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<Program> {
  const program = path.join(root, 'packages/functions-host/dist/cli.js');
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
    detached: true,
  });
  endWithStarter(child, 'SIGINT', true);
  const ended = once(child, 'exit').then(() => undefined);
  let output = '';
  const ready = new Promise<boolean>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (/^ready\b/m.test(output)) resolve(true);
      });
    }
    void ended.then(() => resolve(false));
  });
  const stop = async (): Promise<void> => {
    // Its process group: what it has started hears it too, as from a terminal.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGINT');
    }
    await ended;
  };
  if (!(await ready)) throw new Error(`functions-host ${args[0]} ended before it was ready:\n${output}`);
  return { output: () => output, ended, stop };
}
