import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../src/supervisor/failures';
import { runCommand, type RunningCommand } from './supervisor/running-command';
import { makeFolder, stopHosts } from './support/host-process';

jest.setTimeout(90_000);

const run = promisify(execFile);
const packageDir = path.join(__dirname, '..');
const root = path.join(packageDir, '../..');

const register = `
df.app.activity('greet', { handler: (name) => 'Hello ' + name });
df.app.orchestration('greetings', function* (context) {
  return yield context.df.Task.all(['Ada', 'Edsger'].map((name) => context.df.callActivity('greet', name)));
});
app.http('start', {
  methods: ['POST'], authLevel: 'anonymous', extraInputs: [df.input.durableClient()],
  handler: async (request, context) => {
    const client = df.getClient(context);
    return client.waitForCompletionOrCreateCheckStatusResponse(request, await client.startNew('greetings'));
  },
});
`;
const commonApp = `const { app } = require('@azure/functions');\nconst df = require('durable-functions');\n${register}`;
const moduleApp = `import { app } from '@azure/functions';\nimport * as df from 'durable-functions';\n${register}`;

const typedProgram = `
import { startHost, StartError, type RunningHost, type StartOptions } from 'functions-host';
import { createTestHost, type TestHost } from 'functions-host/testing';
const options: StartOptions = { appDir: 'shop', taskHub: 'memory', log: (text) => { text.trim(); } };
export async function main(): Promise<string> {
  const host: RunningHost = await startHost(options);
  try { return host.url; } catch (error) { throw error instanceof StartError ? error : new Error('other'); }
  finally { await host.stop(); }
}
export async function test(): Promise<string | undefined> {
  await using host: TestHost = await createTestHost({ app: 'shop', startAt: new Date(0) });
  await host.advance('3 days');
  const [message] = await host.queues.list('orders');
  return message?.text ?? (await host.http('GET', '/api/orders')).json<{ id: string }>().id;
}
// @ts-expect-error an option that is not there
await startHost({ prot: 1 });
`;

/**
 * Another project with the packed package in it: unpacked, beside links to exactly what its package.json depends on. So
 * whatever it needs beyond that is missed, and nothing has to come from a registry.
 */
describe('the packed package', () => {
  let project: string;
  let installed: string;
  const commands: RunningCommand[] = [];

  beforeAll(async () => {
    project = await makeFolder();
    const packed = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', project],
      { cwd: packageDir, shell: process.platform === 'win32' },
    );
    const [{ filename } = { filename: '' }] = JSON.parse(packed.stdout) as { filename: string }[];
    await run('tar', ['-xzf', filename], { cwd: project });
    installed = path.join(project, 'node_modules', 'functions-host');
    await mkdir(path.dirname(installed), { recursive: true });
    await cp(path.join(project, 'package'), installed, { recursive: true });
    await rm(path.join(project, 'package'), { recursive: true });
    const { dependencies } = await readJson<{ dependencies: Record<string, string> }>(installed, 'package.json');
    for (const name of [...Object.keys(dependencies), '@types/node']) await link(name, project);
    await mkdir(path.join(project, 'node_modules', '.bin'));
    await symlink('../functions-host/bin/functions-host.js', path.join(project, 'node_modules/.bin/functions-host'));
  });
  afterEach(async () => {
    for (const command of commands.splice(0)) {
      command.signal('SIGTERM');
      await command.ended;
    }
  });
  afterAll(stopHosts);

  /** An app with copies of its own of Microsoft's two libraries. */
  const makeApp = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
    const dir = path.join(project, 'apps', name);
    for (const library of ['@azure/functions', 'durable-functions']) {
      await cp(path.join(root, 'node_modules', library), path.join(dir, 'node_modules', library), { recursive: true });
      const { dependencies } = await readJson<{ dependencies: Record<string, string> }>(
        path.join(root, 'node_modules', library),
        'package.json',
      );
      for (const dependency of Object.keys(dependencies)) await link(dependency, dir);
    }
    for (const [file, text] of Object.entries({ 'host.json': '{ "version": "2.0" }', ...files }))
      await writeFile(path.join(dir, file), text);
    return dir;
  };

  it('holds the programs, the types of its interface, the README and the licence, and little else', async () => {
    const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(installed, path.join(entry.parentPath, entry.name)));
    expect(files.sort()).toEqual(
      [
        ...['LICENSE', 'README.md', 'package.json', 'bin/functions-host.js', 'jest-preset.js'],
        ...['child', 'cli', 'index', 'testing/index', 'testing/functions-core'].flatMap((name) => [
          `dist/${name}.js`,
          `dist/${name}.js.map`,
        ]),
        ...['index', 'clock', 'log', 'host/start-error', 'supervisor/start-host', 'supervisor/start-options'].map(
          (name) => `dist/${name}.d.ts`,
        ),
        ...['index', 'create-test-host', 'duration', 'test-host', 'test-messages', 'test-storage'].map(
          (name) => `dist/testing/${name}.d.ts`,
        ),
      ].sort(),
    );
    const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(installed, file))).size));
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(3_000_000);
  });

  it.each([
    ['CommonJS', { 'index.js': commonApp, 'package.json': '{}' }],
    ['ESM', { 'index.mjs': moduleApp, 'package.json': '{ "type": "module", "main": "index.mjs" }' }],
  ])('runs a %s app with its own copies of the libraries, by its command', async (name, files) => {
    const appDir = await makeApp(name, files);
    const command = runCommand(
      ['start', '--app', appDir, '--port', '0', '--data', path.join(project, `data-${name}`), '--task-hub', 'memory'],
      project,
      {},
      path.join(project, 'node_modules/.bin/functions-host'),
    );
    commands.push(command);
    await command.sees(/^ready:/m);
    const url = /^ready: (\S+)/m.exec(command.output())?.[1];
    const answer = await fetch(`${url}/api/start`, { method: 'POST' });
    expect(await answer.json()).toEqual(['Hello Ada', 'Hello Edsger']);
  });

  it('starts a host from a CommonJS and from an ESM program', async () => {
    const appDir = await makeApp('from-code', { 'index.js': commonApp, 'package.json': '{}' });
    const use = `startHost({ appDir: ${JSON.stringify(appDir)}, log: 'none' })
      .then(async (host) => { console.log((await (await fetch(host.url + '/api/start', { method: 'POST' })).json()).join()); await host.stop(); });`;
    await writeFile(path.join(project, 'main.cjs'), `const { startHost } = require('functions-host');\n${use}`);
    await writeFile(path.join(project, 'main.mjs'), `import { startHost } from 'functions-host';\n${use}`);
    for (const file of ['main.cjs', 'main.mjs']) {
      const { stdout } = await run(process.execPath, [file], { cwd: project });
      expect(stdout).toBe('Hello Ada,Hello Edsger\n');
    }
  });

  it.each([
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ])('has types for a program of module kind %s, resolved as %s', async (module, moduleResolution) => {
    await writeFile(path.join(project, 'typed.mts'), typedProgram);
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node'];
    const tsc = createRequire(__filename).resolve('typescript/bin/tsc');
    const checked = run(
      process.execPath,
      [tsc, ...options, '--module', module, '--moduleResolution', moduleResolution, 'typed.mts'],
      { cwd: project },
    );
    await expect(
      checked.catch((error: unknown) => ({ stdout: (error as { stdout: string }).stdout })),
    ).resolves.toMatchObject({
      stdout: '',
    });
  });
});

async function link(name: string, into: string): Promise<void> {
  const place = path.join(into, 'node_modules', name);
  await mkdir(path.dirname(place), { recursive: true });
  await symlink(path.join(root, 'node_modules', name), place, 'junction').catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}

async function readJson<T>(folder: string, file: string): Promise<T> {
  return JSON.parse(await readFile(path.join(folder, file), 'utf8')) as T;
}
