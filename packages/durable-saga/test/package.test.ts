import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

jest.setTimeout(120_000);

const run = promisify(execFile);
const packageDir = path.join(__dirname, '..');
const root = path.join(packageDir, '../..');

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** What each entry gives, by the names that the documentation uses. */
const entries: Readonly<Record<string, readonly string[]>> = {
  '.': ['activity', 'claiming', 'many', 'registerSagas', 'saga', 'sagaClients', 'SagaStepError', 'StepFailure'],
  './opentelemetry': ['observeWithOpenTelemetry'],
  './postgres': ['createLedger', 'createOutbox', 'createStarts', 'drainOutbox', 'ledgerMigrations', 'LedgerTombstone'],
  './http': ['registerSagaRoutes'],
  './eslint': ['plugin', 'recommended'],
  './contracts': ['ledgerContract', 'outboxContract', 'payloadsContract', 'startsContract'],
  './memory': ['createMemoryLedger', 'createMemoryOutbox', 'createMemoryPayloads', 'createMemoryStarts'],
  './azure-blobs': ['createBlobPayloads'],
  './diagram': ['chartOf', 'toMermaid', 'tracePath'],
  './testing': [
    'createSagaHost',
    'defineExploration',
    'describeFault',
    'exploreSaga',
    'FAULT_KINDS',
    'runSchedule',
    'sumUp',
  ],
  './testing/worker': ['serveSchedules'],
};
const specifier = (entry: string): string => `durable-saga${entry.slice(1)}`;

/** Draws a saga whose body looks at an error of the toolkit, and takes the same event several times. */
const drawing = `
const nothing = () => async () => {};
const hold = activity({ name: 'hold', input: z.object({}), run: nothing, undo: nothing });
const tell = activity({ name: 'tell', input: z.object({}), run: nothing });
const events = { item: many(z.object({ n: z.int() })) };
const two = saga({ name: 'two', version: '1', input: z.object({}), events }, function* (saga) {
  const first = yield* saga.waitFor('item');
  const second = yield* saga.waitFor('item');
  if (first.n === second.n) throw new Error('the same event twice');
  yield* saga.step(hold, {});
  try { yield* saga.call(tell, {}); } catch (error) {
    if (!(error instanceof SagaStepError)) throw error;
    return yield* saga.fail({ code: 'untold', message: 'told nobody' });
  }
});
const come = [1, 2].map((n) => ({ after: n, event: 'item', payload: { n } }));
const refused = new StepFailure({ code: 'gone', message: 'nobody there', effect: 'none' });
const chart = chartOf(two, [
  { title: 'told', input: {}, events: come, ends: 'completed' },
  { title: 'not told', input: {}, events: come, answers: { tell: [refused] }, ends: 'compensated' },
]);
console.log(toMermaid(chart));
`;

const typedProgram = `
import { activity, registerSagas, saga, sagaClients, type DurableClient } from 'durable-saga';
import { createLedger, createStarts, ledgerMigrations, type Transaction } from 'durable-saga/postgres';
import { registerSagaRoutes } from 'durable-saga/http';
import { recommended } from 'durable-saga/eslint';
import { ledgerContract } from 'durable-saga/contracts';
import { createMemoryPayloads } from 'durable-saga/memory';
import { createBlobPayloads } from 'durable-saga/azure-blobs';
import { chartOf, toMermaid } from 'durable-saga/diagram';
import type { ContainerClient } from '@azure/storage-blob';
import type { Linter } from 'eslint';
import { Pool } from 'pg';
import { z } from 'zod';

interface Ports { readonly pool: Pool }
const ledger = createLedger({ clock: () => new Date() });
const take = activity({
  name: 'take',
  input: z.object({ sku: z.string() }),
  output: z.object({ left: z.int() }),
  run: ({ pool }: Ports) => async ({ sku }, step) => {
    const tx = await pool.connect();
    return ledger.once(tx, step.key, async () => ({ left: sku.length }));
  },
});
const shop = saga({ name: 'shop', version: '1', input: z.object({ sku: z.string() }) }, function* (saga, { sku }) {
  const { left } = yield* saga.step(take, { sku });
  // @ts-expect-error a field that is not there
  yield* saga.step(take, { sku: String(left), size: 1 });
});
const pool = new Pool();
const tx: Transaction = pool;
const sagas = sagaClients({ shop }, { starts: createStarts(tx, { clock: () => new Date() }) });
registerSagas({ ports: { pool }, sagas: [shop], activities: [take], claimCheck: { store: createMemoryPayloads() } });
registerSagaRoutes({ sagas });
export const config: Linter.Config[] = [{ files: ['orchestrations/**/*.ts'], ...recommended }];
export const start = (client: DurableClient) => sagas(client).shop.start({ sku: 'apple' }, { id: '1' });
export const blobs = (container: ContainerClient) => createBlobPayloads(container);
export const chart = toMermaid(chartOf(shop, [{ title: 'a', input: { sku: 'a' }, answers: { take: [{ left: 1 }] }, ends: 'completed' }]));
export const rest = [ledgerContract, ledgerMigrations.map(({ name, sql }) => name + sql)];
// @ts-expect-error a saga that is not there
sagas({} as DurableClient).shopp;
`;

/**
 * Another project with the packed package in it: unpacked, beside links to what its package.json names. So whatever it
 * needs beyond that is missed, and nothing has to come from a registry.
 */
describe('the packed package', () => {
  let project: string;
  let installed: string;
  let manifest: Manifest;

  beforeAll(async () => {
    project = await mkdtemp(path.join(os.tmpdir(), 'durable-saga-'));
    const packed = await run(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', project],
      { cwd: packageDir, shell: process.platform === 'win32' },
    );
    const [{ filename } = { filename: '' }] = JSON.parse(packed.stdout) as { filename: string }[];
    await run('tar', ['-xzf', filename], { cwd: project });
    installed = path.join(project, 'node_modules', 'durable-saga');
    await mkdir(path.dirname(installed), { recursive: true });
    await rename(path.join(project, 'package'), installed);
    manifest = JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8')) as Manifest;
    // ESLint is there for those who use the rules.
    const beside = ['zod', 'eslint', '@types/node', '@types/pg'];
    for (const name of [...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }), ...beside]) {
      const place = path.join(project, 'node_modules', name);
      await mkdir(path.dirname(place), { recursive: true });
      await symlink(path.join(root, 'node_modules', name), place, 'junction');
    }
  });
  afterAll(() => rm(project, { recursive: true, force: true }));

  const runProgram = async (file: string, text: string): Promise<string> => {
    await writeFile(path.join(project, file), text);
    return (await run(process.execPath, [file], { cwd: project })).stdout;
  };

  it('holds its programs, their types, the documentation and the licence, and no sources', async () => {
    const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(installed, path.join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'docs/steps.md', 'dist/index.d.ts']));
    expect(files.filter((file) => !/^(LICENSE|README\.md|package\.json|docs\/|dist\/)/.test(file))).toEqual([]);
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([]);
    const readme = await readFile(path.join(installed, 'README.md'), 'utf8');
    const pages = [...readme.matchAll(/\]\((docs\/[^)#]+)/g)].map(([, page = '']) => page);
    expect(pages.filter((page) => !files.includes(page))).toEqual([]);
  });

  it('gives what it says, at each of its entries, to CommonJS and to ESM', async () => {
    const own = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
    expect(own.sort()).toEqual(Object.keys(entries).sort());
    const common = Object.entries(entries).map(
      ([entry, names]) => `check(require('${specifier(entry)}'), ${JSON.stringify(names)});`,
    );
    const check = 'const check = (given, names) => names.forEach((name) => { if (!given[name]) console.log(name); });';
    expect(await runProgram('entries.cjs', [check, ...common].join('\n'))).toBe('');
    const named = Object.entries(entries).map(
      ([entry, names], n) =>
        `import { ${names.map((name) => `${name} as ${name}${n}`).join(', ')} } from '${specifier(entry)}';`,
    );
    expect(await runProgram('entries.mjs', named.join('\n'))).toBe('');
  });

  it('loads nothing at its root that only some of its users have', async () => {
    const text = `require('durable-saga');
      const names = Object.keys(require.cache).map((file) => /.*node_modules[\\\\/]((?:@[^\\\\/]+[\\\\/])?[^\\\\/]+)/.exec(file)?.[1]);
      console.log([...new Set(names)].filter((name) => /^(pg|eslint|zod|@azure.storage-blob)/.test(name ?? '')).join());`;
    expect(await runProgram('root.cjs', text)).toBe('\n');
  });

  it.each([
    [
      'CommonJS',
      'draw.cjs',
      `const { activity, many, saga, SagaStepError, StepFailure } = require('durable-saga');
       const { chartOf, toMermaid } = require('durable-saga/diagram'); const { z } = require('zod');`,
    ],
    [
      'ESM',
      'draw.mjs',
      `import { activity, many, saga, SagaStepError, StepFailure } from 'durable-saga';
       import { chartOf, toMermaid } from 'durable-saga/diagram'; import { z } from 'zod';`,
    ],
  ])('draws what its root has defined, from a %s program', async (_kind, file, imports) => {
    const drawn = await runProgram(file, imports + drawing);
    expect(drawn).toContain('tell -.->|"gone, fails"| fail_untold');
    expect(drawn).toContain('fail_untold -.-> hold_undo');
  });

  it.each([
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ])('has types for a program of module kind %s, resolved as %s', async (module, moduleResolution) => {
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node'];
    const tsc = createRequire(__filename).resolve('typescript/bin/tsc');
    for (const file of ['typed.mts', 'typed.cts']) {
      await writeFile(path.join(project, file), typedProgram);
      const checked = run(
        process.execPath,
        [tsc, ...options, '--skipLibCheck', '--module', module, '--moduleResolution', moduleResolution, file],
        { cwd: project },
      );
      const { stdout } = await checked.catch((error: unknown) => error as { stdout: string });
      expect(stdout).toBe('');
    }
  });
});
