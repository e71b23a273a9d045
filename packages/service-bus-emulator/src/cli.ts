import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { realClock } from './clock';
import { parseCommandLine } from './command-line';
import { type Emulator, startEmulator } from './emulator';
import { EmulatorError } from './emulator-error';
import type { EmulatorLog } from './log';
import { usage } from './usage';

/** A terminal's Ctrl-C can reach a process twice at once: by itself and through npm. Signals this close count as one. */
const SAME_KEY_PRESS_MS = 1_000;
const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

async function main(): Promise<number> {
  const command = parseCommandLine(process.argv.slice(2), process.cwd());
  if (command.name === 'help') process.stdout.write(usage());
  else if (command.name === 'version') process.stdout.write(`${readVersion()}\n`);
  else {
    const stopped = untilStopped();
    const emulator = await startEmulator({ ...command.options, log: createStderrLog(command.verbose) });
    process.stdout.write(describe(emulator));
    await stopped;
    await emulator.close();
  }
  return 0;
}

/** Each line has one thing that one may want to copy, after what it is for. */
function describe({ connectionString, tls, health }: Emulator): string {
  return [
    ...(health ? [`health: ${health.url}`] : []),
    ...(tls ? [`tls: ${tls.connectionString}`, `tls: NODE_EXTRA_CA_CERTS=${tls.certificateFile}`] : []),
    `ready: ${connectionString}`,
    '',
  ].join('\n');
}

function createStderrLog(verbose: boolean): EmulatorLog {
  return {
    log(level, message) {
      if (level !== 'Debug' || verbose) process.stderr.write(`${level.toLowerCase()}: ${message}\n`);
    },
  };
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const react = (): void => {
      const now = realClock.now();
      if (firstAt === undefined) {
        firstAt = now;
        resolve();
      } else if (now - firstAt > SAME_KEY_PRESS_MS) process.exit(130);
    };
    for (const name of SIGNALS) process.on(name, react);
  });
}

function readVersion(): string {
  const file = path.join(__dirname, '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof EmulatorError ? error.message : inspect(error)}\n`);
    process.exit(error instanceof EmulatorError ? error.exitCode : 1);
  },
);
