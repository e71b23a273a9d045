/*
 * Who ends a program that was started as `npm start`? A terminal's Ctrl-C reaches npm, its shell and this process at the
 * same moment, and npm passes it on once more: one key press comes as two signals. A SIGTERM sent to npm goes to the shell alone, which
 * ends and tells nobody; a SIGKILL ends npm and nobody else. So signals close together count as one, and under npm the
 * processes above are watched: when they go, somebody meant this one too.
 */
import { readFileSync } from 'node:fs';
import { realClock } from '../clock';

const SAME_KEY_PRESS_MS = 1_000;
const LOOK_EVERY_MS = 500;

const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGBREAK', 'SIGHUP'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Calls `stop` for the first signal and `kill` for one that comes later than a second after it. */
export function onStopSignals(stop: (reason: string) => void, kill: () => void): void {
  let firstAt: number | undefined;
  const react = (reason: string): void => {
    const now = realClock.now();
    if (firstAt === undefined) {
      firstAt = now;
      stop(reason);
    } else if (now - firstAt > SAME_KEY_PRESS_MS) kill();
  };
  for (const name of SIGNALS) process.on(name, () => react(name));
  if (process.env['npm_lifecycle_event'] !== undefined) {
    watchParents(() => {
      if (firstAt === undefined) react('npm has ended');
    });
  }
}

function watchParents(onGone: () => void): void {
  const parent = process.ppid;
  // Between npm and this process there may be the shell that runs the script.
  const grandparent = isShell(parent) ? parentOf(parent) : undefined;
  const timer = setInterval(() => {
    const isGone = process.ppid !== parent || (grandparent !== undefined && parentOf(parent) !== grandparent);
    if (!isGone) return;
    clearInterval(timer);
    onGone();
  }, LOOK_EVERY_MS);
  timer.unref();
}

function isShell(pid: number): boolean {
  return /^(?:sh|dash|bash|ash|zsh|ksh|busybox)$/.test(readProc(pid, 'comm')?.trim() ?? '');
}

function parentOf(pid: number): number | undefined {
  const stat = readProc(pid, 'stat');
  const parent = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return parent === undefined ? undefined : Number(parent);
}

/** Only Linux has it; elsewhere only the parent itself is watched. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
