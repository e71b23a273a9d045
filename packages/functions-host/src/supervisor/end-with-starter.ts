/*
 * A program that is no Node process has no channel whose end it would notice (`tethered.ts`), and outlives a starter that is killed
 * outright. So a shell is started beside it that reads a pipe of the starter's: nothing is ever written there, and it ends with the
 * starter, however that ends, `kill -9` included. Then the shell ends the program. It has a session of its own, so that what ends the
 * starter's whole process group doesn't end it.
 *
 * There is a moment for which this doesn't hold: when the starter ends before the shell is there.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/** Asks once in order, then by force. In Debian's and Ubuntu's shell `kill -0 -- ID` is an error, as if nothing were there. */
const watch = `
while read -r nothing; do :; done
kill -s "$2" -- "$1" || exit
tenths=0
while kill -s 0 -- "$1" && [ "$tenths" -lt 150 ]; do sleep 0.1; tenths=$((tenths + 1)); done
kill -s KILL -- "$1"
`;

/**
 * Ends a child when this process has ended and it has not: by `how`, and outright after 15 s. Does nothing on Windows, which has no
 * such shell.
 * @param isGroup it leads a process group, all of which is meant.
 */
export function endWithStarter(child: ChildProcess, how: NodeJS.Signals, isGroup = false): void {
  if (process.platform === 'win32' || child.pid === undefined) return;
  const target = String(isGroup ? -child.pid : child.pid);
  const watcher = spawn('/bin/sh', ['-c', watch, 'sh', target, how.replace('SIG', '')], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // A machine without a shell has a server that may outlive its starter, and no other harm.
  watcher.on('error', () => undefined).unref();
  (watcher.stdin as Socket | null)?.on('error', () => undefined).unref();
  // The id may be another's soon.
  child.once('exit', () => watcher.kill('SIGKILL'));
}
