import { spawn } from 'node:child_process';
import path from 'node:path';

/** The command in a process of its own, with what it said. */
export interface Command {
  /** Waits until stdout has a match; rejects when the command ends without one. */
  sees(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: NodeJS.Signals): void;
  /** Exit code, or the signal that ended it, when all of its output is there. */
  readonly ended: Promise<number | NodeJS.Signals>;
  stdout(): string;
  stderr(): string;
}

const ownProgram = path.join(__dirname, '../../bin/service-bus-emulator.js');

export function runCommand(args: readonly string[], program = ownProgram, cwd = process.cwd()): Command {
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let onOutput = (): void => undefined;
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    onOutput();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? -1));
  });
  return {
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (name) => child.kill(name),
    sees: (pattern) =>
      new Promise((resolve, reject) => {
        onOutput = () => {
          const match = pattern.exec(stdout);
          if (match) resolve(match);
        };
        onOutput();
        void ended.then((code) =>
          reject(new Error(`Expected ${String(pattern)}, but the command ended with ${code}:\n${stdout}${stderr}`)),
        );
      }),
  };
}
