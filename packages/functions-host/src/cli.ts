#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { realClock } from './clock';
import { createHostOutput } from './host/host-output';
import { parseCommandLine } from './supervisor/command-line';
import type { Command } from './supervisor/command-line';
import { usage } from './supervisor/usage';
import { StartError } from './host/start-error';
import { onStopSignals } from './supervisor/stop-signals';
import { defaultPort, supervise } from './supervisor/supervise';
import type { SuperviseOptions } from './supervisor/supervise';

const packageFile = path.join(__dirname, '..', 'package.json');
const hostEntry = path.join(__dirname, 'child.js');

async function main(): Promise<number> {
  const startedAt = realClock.now() - Math.round(process.uptime() * 1000);
  const command = parseCommandLine(process.argv.slice(2), process.cwd());
  if (command.name === 'help') process.stdout.write(usage(command.of));
  else if (command.name === 'version') process.stdout.write(`${readVersion()}\n`);
  else if (command.name === 'doctor') return runDoctor(command);
  else {
    const { options } = command;
    const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    const output = createHostOutput({ format: options.logFormat, colour }, {}, realClock, (text) =>
      process.stdout.write(text),
    );
    await run({
      ...options,
      command: command.name,
      services: true,
      environment: process.env,
      output,
      startedAt,
      hostEntry,
      isInteractive: process.stdin.isTTY && process.env['CI'] === undefined,
    });
  }
  return 0;
}

async function runDoctor({ options, json }: Extract<Command, { name: 'doctor' }>): Promise<number> {
  const [{ examine }, { toText }] = await Promise.all([import('./doctor/doctor'), import('./doctor/report')]);
  const report = await examine({ ...options, environment: process.env, packageFile, hostEntry, defaultPort });
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : toText(report));
  return report.ok ? 0 : 1;
}

async function run(options: Omit<SuperviseOptions, 'onKill'>): Promise<void> {
  const { output } = options;
  const stopping = new AbortController();
  let killAll = (): void => undefined;
  onStopSignals(
    (reason) => {
      output.log.log('Information', 'Host.Supervisor', `Stopping (${reason})`);
      output.flush();
      stopping.abort();
    },
    () => {
      killAll();
      process.exit(130);
    },
  );
  // A defect of our own must not leave the children to themselves.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${inspect(error)}\n`);
    killAll();
    process.exit(1);
  });
  try {
    await supervise({ ...options, onKill: (kill) => (killAll = kill) }, stopping.signal);
  } catch (error) {
    if (options.logFormat === 'json' && error instanceof StartError) {
      output.log.log('Error', 'Host.Startup', error.message);
      output.flush();
      process.exitCode = error.exitCode;
      return;
    }
    throw error;
  }
}

function readVersion(): string {
  return (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
}

main().then(
  (code) => process.exit(process.exitCode ?? code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof StartError ? error.message : inspect(error)}\n`);
    process.exit(error instanceof StartError ? error.exitCode : 1);
  },
);
