/** Programs that a contender is made of: started with their output in a file, waited for, and ended, whatever happens. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 20_000;

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves with the first match in the output. Rejects with the output's end when the program ends before, or takes too long. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Asks it to end; kills it when it does not. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  /** Names its log file. */
  readonly name: string;
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** With a channel to this process. */
  readonly ipc?: boolean;
}

const running = new Set<Program>();

/** Ends whatever is left, in order where it listens: for an end of the bench that nobody planned. */
export async function stopPrograms(): Promise<void> {
  await Promise.all([...running].map((program) => program.stop()));
}

export function startProgram(command: string, args: readonly string[], options: ProgramOptions): Program {
  const file = path.join(options.folder, `${options.name}.log`);
  const log = openSync(file, 'w');
  const child = spawn(command, args, {
    cwd: options.folder,
    env: { ...process.env, ...options.environment },
    stdio: options.ipc === true ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
  });
  closeSync(log);
  let end: string | undefined;
  const ended = new Promise<void>((resolve) => {
    const note = (how: string): void => {
      end ??= how;
      running.delete(program);
      resolve();
    };
    child.once('error', (error) => note(error.message));
    child.once('exit', (code, signal) => note(signal ?? `code ${code}`));
  });
  const fail = (problem: string): Error =>
    new Error(`${options.name} ${problem}. Its last lines:\n${readFileSync(file, 'utf8').slice(-3000)}`);
  const program: Program = {
    pid: child.pid ?? 0,
    child,
    async waitFor(pattern) {
      const deadline = performance.now() + READY_WITHIN_MS;
      for (;;) {
        const match = pattern.exec(readFileSync(file, 'utf8'));
        if (match !== null) return match;
        if (end !== undefined) throw fail(`ended (${end})`);
        if (performance.now() > deadline)
          throw fail(`did not say ${String(pattern)} within ${READY_WITHIN_MS / 1000} s`);
        await sleep(5);
      }
    },
    async stop() {
      if (end !== undefined) return;
      if (child.connected) child.disconnect();
      else child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await ended;
      clearTimeout(killer);
    },
  };
  running.add(program);
  return program;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves when somebody listens on the port. */
export async function untilListening(port: number, program: Program): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await isListening(port))) {
    if (program.child.exitCode !== null || performance.now() > deadline) await program.waitFor(/(?!)/);
    await sleep(10);
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
