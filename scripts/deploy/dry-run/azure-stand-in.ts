import { once } from 'node:events';
import { chmod, copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { LocalApp } from './local-app';

/*
 * The commands of `az` that a roll-out uses, each with the options that it uses, over one local app. A command or an option
 * that is not here is an error, and so the list below is also what has only been tried on this machine and not in Azure.
 */

/** What a command is called with; values of an option stand one after another. */
interface Call {
  readonly folder: string;
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}
interface Command {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  readonly flags?: readonly string[];
  run(call: Call): Promise<string> | string;
}

export interface AzureStandIn {
  /** Folder with the program `az`. */
  readonly programs: string;
  stop(): Promise<void>;
}

/** Names of what infra/ makes, as it would put them out. */
export const NAMES = {
  functionAppName: 'func-dry-run',
  resourceGroupName: 'rg-dry-run',
  storageAccountName: 'stdryrun',
  packagesContainerName: 'packages',
  eventTopicName: 'evgt-dry-run',
  appIdentityName: 'id-dry-run',
  appIdentityPrincipalId: '00000000-0000-0000-0000-000000000000',
  databaseHost: '127.0.0.1',
  databaseName: 'orders',
};

/** Starts the stand-in; blobs are files below `folder`. */
export async function startAzureStandIn(app: LocalApp, folder: string): Promise<AzureStandIn> {
  const [blobs, programs] = [path.join(folder, 'blobs'), path.join(folder, 'programs')];
  await Promise.all([blobs, programs].map((made) => mkdir(made, { recursive: true })));
  const commands = commandsOver(app, blobs);
  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      const { args, folder: cwd } = JSON.parse(text) as { args: string[]; folder: string };
      const answer = await run(commands, args, cwd).then(
        (output) => ({ code: 0, output }),
        (error: unknown) => ({ code: 1, output: `ERROR: ${error instanceof Error ? error.message : String(error)}` }),
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

function commandsOver(app: LocalApp, blobs: string): Readonly<Record<string, Command>> {
  let isThere = false;
  const blobOf = ({ values }: Call): string => {
    expectSame(values, 'account-name', NAMES.storageAccountName);
    expectSame(values, 'container-name', NAMES.packagesContainerName);
    return path.join(blobs, path.basename(String(values['name'])));
  };
  const expectApp = ({ values }: Call): void => {
    expectSame(values, 'resource-group', NAMES.resourceGroupName);
    expectSame(values, 'name', NAMES.functionAppName);
    if (!isThere) throw new Error(`there is no ${NAMES.functionAppName} yet`);
  };
  const template = ['name', 'template-file', 'parameters'];
  const blob = { required: ['auth-mode', 'account-name', 'container-name', 'name'], optional: ['output'] };
  return {
    'deployment sub what-if': {
      required: [...template, 'location'],
      run: async (call) => {
        await expectFiles(call);
        return isThere ? 'Resource changes: no change.' : 'Resource changes: all to create.';
      },
    },
    'deployment sub create': {
      required: [...template, 'location', 'query', 'output'],
      run: async (call) => {
        await expectFiles(call);
        isThere = true;
        const values = Object.entries({ ...NAMES, functionAppUrl: app.url });
        return JSON.stringify(Object.fromEntries(values.map(([name, value]) => [name, { type: 'String', value }])));
      },
    },
    'deployment group create': {
      required: [...template, 'resource-group', 'output'],
      run: (call) => expectFile(call, 'template-file').then(() => ''),
    },
    'functionapp list': {
      required: ['output'],
      run: () => {
        const tags = { 'azd-env-name': 'staging', 'azd-service-name': 'order-sagas' };
        const { functionAppName: name, resourceGroupName: resourceGroup } = NAMES;
        const own = { name, resourceGroup, defaultHostName: new URL(app.url).host, httpsOnly: false, tags };
        const another = { ...own, name: 'func-of-others', tags: null };
        return JSON.stringify(isThere ? [another, own] : [another]);
      },
    },
    'functionapp keys list': {
      required: ['resource-group', 'name', 'output'],
      run: (call) => {
        expectApp(call);
        const { master: masterKey, host: functionKeys, system: systemKeys } = app.keys;
        return JSON.stringify({ masterKey, functionKeys, systemKeys });
      },
    },
    'functionapp deployment source config-zip': {
      required: ['resource-group', 'name', 'src'],
      run: async (call) => {
        expectApp(call);
        await expectFile(call, 'src');
        await app.deploy(path.resolve(call.folder, String(call.values['src'])));
        return 'Deployment was successful.';
      },
    },
    'storage blob exists': {
      ...blob,
      optional: ['query', 'output'],
      run: async (call) => String((await readdir(blobs)).includes(path.basename(blobOf(call)))),
    },
    'storage blob upload': {
      ...blob,
      required: [...blob.required, 'file'],
      flags: ['overwrite'],
      run: async (call) => {
        await copyFile(path.resolve(call.folder, String(call.values['file'])), blobOf(call));
        return '';
      },
    },
    'storage blob download': {
      ...blob,
      required: [...blob.required, 'file'],
      run: async (call) => {
        await copyFile(blobOf(call), path.resolve(call.folder, String(call.values['file'])));
        return '';
      },
    },
  };
}

async function run(commands: Readonly<Record<string, Command>>, args: readonly string[], folder: string) {
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
  return command.run({ folder, values });
}

async function expectFiles(call: Call): Promise<void> {
  await expectFile(call, 'template-file');
  await expectFile(call, 'parameters');
}

async function expectFile({ folder, values }: Call, option: string): Promise<void> {
  await stat(path.resolve(folder, String(values[option])));
}

function expectSame(values: Call['values'], option: string, expected: string): void {
  if (values[option] !== expected)
    throw new Error(`--${option}: expected ${expected}, got '${String(values[option])}'`);
}

/** A program that hands its arguments over and prints what comes back. */
async function writeProgram(file: string, server: Server): Promise<void> {
  const { port } = server.address() as AddressInfo;
  await writeFile(
    file,
    `#!${process.execPath}
const body = JSON.stringify({ args: process.argv.slice(2), folder: process.cwd() });
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
