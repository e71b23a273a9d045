import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callerKeys } from '../../../scripts/deploy/caller-keys';
import { drained } from '../../../scripts/deploy/drained';
import { runStep, startAnswering } from '../../support/deploy-steps';

/** What the app beside takes over from the one that runs, and what it still carries. */

let folder: string;
let printed: jest.SpyInstance;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'two-apps-'));
  printed = jest.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content: unknown): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, JSON.stringify(content));
  return file;
}

it('hands the keys of callers on by a file of one’s own, hidden in the log', async () => {
  const keys = await put('keys.json', { masterKey: 'm', functionKeys: { default: 'k-1', shops: 'k-2' } });
  const file = path.join(folder, 'callers.txt');
  await callerKeys.run([keys, file], { GITHUB_ACTIONS: 'true' });
  expect(await readFile(file, 'utf8')).toBe('default\tk-1\nshops\tk-2\n');
  expect((await stat(file)).mode & 0o077).toBe(0);
  await expect(stat(keys)).rejects.toThrow('ENOENT');
  const lines = printed.mock.calls.map(([line]) => String(line));
  expect(lines).toEqual(['::add-mask::k-1', '::add-mask::k-2', 'keys of callers: default, shops']);
});

it('says what an app still carries, its rows and what no row tells of', async () => {
  const app = await startAnswering((request) =>
    request.startsWith('GET /api/task-hub')
      ? [200, { taskHub: 'Old', unfinished: { orders: 1, returns: 0 }, drained: false }]
      : [200, [{ instanceId: 'a', name: 'placeOrder', runtimeStatus: 'Running', customStatus: { version: '1' } }]],
  );
  try {
    const lines = (await runStep(drained, ['--url', app.url])).join('\n');
    expect(lines).toMatch(/orders\t1\n {2}returns\t0\n {2}instances\t1\nOld is not drained yet$/);
  } finally {
    await app.stop();
  }
});
