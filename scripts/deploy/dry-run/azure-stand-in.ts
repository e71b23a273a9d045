import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { commandsOver } from './azure-commands';
import type { Call, Command, LocalAzure } from './azure-commands';

/*
 * A program `az` that is found before the real one, and what is behind it: azure-commands.ts has the commands.
 */

/** What main.bicepparam reads of the environment, as far as the stand-in heeds it. */
const VARIABLES = ['SECOND_APP', 'GREEN_WEIGHT', 'BLUE_DUTY', 'GREEN_DUTY'];

interface Received {
  readonly args: string[];
  readonly folder: string;
  readonly environment: Call['environment'];
}

export interface AzureStandIn {
  /** Folder with the program `az`. */
  readonly programs: string;
  stop(): Promise<void>;
}

/** Starts the stand-in; blobs are files below `folder`. */
export async function startAzureStandIn(azure: LocalAzure, folder: string): Promise<AzureStandIn> {
  const [blobs, programs] = [path.join(folder, 'blobs'), path.join(folder, 'programs')];
  await Promise.all([blobs, programs].map((made) => mkdir(made, { recursive: true })));
  const commands = commandsOver(azure, blobs);
  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      const answer = await run(commands, JSON.parse(text) as Received).then(
        (output) => ({ code: 0, output }),
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          azure.refusals.push(message);
          return { code: 1, output: `ERROR: ${message}` };
        },
      );
      response.end(JSON.stringify(answer));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await writeProgram(path.join(programs, 'az'), server);
  return {
    programs,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function run(commands: Readonly<Record<string, Command>>, { args, folder, environment }: Received) {
  const at = args.findIndex((arg) => arg.startsWith('-'));
  const name = (at === -1 ? args : args.slice(0, at)).join(' ');
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new Error(`nothing stands in for 'az ${name}'`);
  const { required, optional = [], flags = [] } = command;
  const parsed = parseArgs({
    args: at === -1 ? [] : args.slice(at),
    // What follows the first value of --parameters.
    allowPositionals: required.includes('parameters'),
    options: Object.fromEntries([
      ...[...required, ...optional].map((option) => [option, { type: 'string' as const }]),
      ...flags.map((flag) => [flag, { type: 'boolean' as const }]),
    ]),
  });
  const values = parsed.values as Call['values'];
  const missing = required.filter((option) => !values[option]);
  if (missing.length > 0) throw new Error(`az ${name}: expected a value of --${missing.join(', --')}`);
  return command.run({ folder, environment, values });
}

/** A program that hands its arguments over and prints what comes back. */
async function writeProgram(file: string, server: Server): Promise<void> {
  const { port } = server.address() as AddressInfo;
  await writeFile(
    file,
    `#!${process.execPath}
const names = ${JSON.stringify(VARIABLES)};
const environment = Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']));
const body = JSON.stringify({ args: process.argv.slice(2), folder: process.cwd(), environment });
fetch('http://127.0.0.1:${port}/', { method: 'POST', body })
  .then((reply) => reply.json())
  .then(({ code, output }) => {
    if (output !== '') (code === 0 ? console.log : console.error)(output);
    process.exitCode = code;
  });
`,
  );
  await chmod(file, 0o755);
}
