import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { runCommand } from './support/command';

jest.setTimeout(90_000);

const run = promisify(execFile);
const packageDir = path.join(__dirname, '..');
const modules = path.join(packageDir, '../../node_modules');

const body = `
const namespace = { queues: [{ name: 'orders' }], topics: [] };
startEmulator({ config: namespace, tls: { folder: 'tls' }, healthPort: 0 }).then(async (emulator) => {
  const client = new ServiceBusClient(emulator.connectionString);
  await client.createSender('orders').sendMessages({ body: 'hello' });
  const [message] = await client.createReceiver('orders').receiveMessages(1);
  console.log(message.body, emulator.broker.getQueue('orders').counts.active);
  await client.close();
  await emulator.close();
});`;

const typedProgram = `
import { type Broker, type Emulator, type EmulatorOptions, EmulatorError, type Namespace, startEmulator } from 'service-bus-emulator';
const config: Namespace = {
  queues: [{ name: 'orders', options: { lockDurationMs: 5_000 } }],
  topics: [{ name: 'events', subscriptions: [{ name: 's', rules: [{ name: 'r', filter: { kind: 'sql', expression: 'a = 1' } }] }] }],
};
const options: EmulatorOptions = { config, quotas: { maxConnections: 10 }, log: { log: (level, text) => { console.log(level, text); } } };
export async function main(): Promise<string> {
  const emulator: Emulator = await startEmulator(options);
  const broker: Broker = emulator.broker;
  try { return emulator.tls?.certificateFile ?? broker.queues[0]?.name ?? emulator.connectionString; }
  catch (error) { throw error instanceof EmulatorError ? error : new Error('other'); }
  finally { await emulator.close(); }
}
// @ts-expect-error an option that is not there
await startEmulator({ prot: 1 });
`;

/**
 * Another project with the packed package in it: unpacked, beside links to exactly what its package.json depends on. So
 * whatever it needs beyond that is missed, and nothing has to come from a registry.
 */
describe('the packed package', () => {
  let project: string;
  let installed: string;

  beforeAll(async () => {
    project = await mkdtemp(path.join(tmpdir(), 'package-'));
    const packed = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', project],
      { cwd: packageDir, shell: process.platform === 'win32' },
    );
    const [{ filename } = { filename: '' }] = JSON.parse(packed.stdout) as { filename: string }[];
    await run('tar', ['-xzf', filename], { cwd: project });
    installed = path.join(project, 'node_modules/service-bus-emulator');
    await mkdir(path.dirname(installed), { recursive: true });
    await cp(path.join(project, 'package'), installed, { recursive: true });
    const { dependencies } = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of [...Object.keys(dependencies), '@azure/service-bus', '@types/node']) {
      const place = path.join(project, 'node_modules', name);
      await mkdir(path.dirname(place), { recursive: true });
      await symlink(path.join(modules, name), place, 'junction');
    }
  });
  afterAll(() => rm(project, { recursive: true }));

  it('holds the programs, their types, the README and the licence, and is small', async () => {
    const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(installed, path.join(entry.parentPath, entry.name)));
    expect(files).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'package.json',
        'bin/service-bus-emulator.js',
        'dist/index.d.ts',
      ]),
    );
    expect(files.filter((file) => file.endsWith('.js')).sort()).toEqual([
      'bin/service-bus-emulator.js',
      'dist/cli.js',
      'dist/index.js',
    ]);
    expect(files.filter((file) => !/^(bin\/.*\.js|dist\/.*(\.js|\.js\.map|\.d\.ts)|[^/]+)$/.test(file))).toEqual([]);
    const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(installed, file))).size));
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(2_000_000);
  });

  it('runs by its command', async () => {
    const program = path.join(installed, 'bin/service-bus-emulator.js');
    const command = runCommand(['--port', '0', '--no-health'], program, project);
    await command.sees(/^ready: Endpoint=/m);
    command.signal('SIGTERM');
    expect(await command.ended).toBe(0);
  });

  it.each([
    ['CommonJS', 'main.cjs', (name: string, from: string) => `const { ${name} } = require('${from}');`],
    ['ESM', 'main.mjs', (name: string, from: string) => `import { ${name} } from '${from}';`],
  ])('starts an emulator in a %s program, which ends by itself when all is closed', async (_kind, file, load) => {
    const imports = [load('startEmulator', 'service-bus-emulator'), load('ServiceBusClient', '@azure/service-bus')];
    await writeFile(path.join(project, file), [...imports, body].join('\n'));
    const { stdout } = await run(process.execPath, [file], { cwd: project });
    expect(stdout).toMatch(/^hello \d\n$/);
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
    ).resolves.toMatchObject({ stdout: '' });
  });
});
