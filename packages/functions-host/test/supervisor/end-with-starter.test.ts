import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { readPostmaster } from '../../src/supervisor/postgres-leftover';
import { isAlive, signal, waitUntilGone } from '../../src/supervisor/processes';
import { makeFolder, stopHosts } from '../support/host-process';
import { untilValue } from '../support/until';
import { makeTinyApp } from './tiny-app';

// The system tells of other processes in /proc there.
const onLinux = process.platform === 'linux' ? describe : describe.skip;
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const ownProgram = path.join(__dirname, '../../bin/functions-host.js');

/** The process that started a program, and the program. */
interface Started {
  readonly starter: number;
  readonly pid: number;
  end(how: NodeJS.Signals): Promise<void>;
}

onLinux('what ends with its starter', () => {
  let program: string;
  const started: Started[] = [];

  beforeAll(async () => {
    const folder = await makeFolder();
    await chmod(folder, 0o755);
    program = path.join(folder, 'starter.js');
    await build({
      entryPoints: [require.resolve('../fixtures/starter')],
      outfile: program,
      bundle: true,
      platform: 'node',
      packages: 'external',
    });
    await symlink(path.join(__dirname, '../../../../node_modules'), path.join(folder, 'node_modules'));
  });
  afterEach(async () => {
    for (const { pid, end } of started.splice(0)) {
      await end('SIGKILL');
      signal(pid, 'SIGKILL');
    }
  });
  afterAll(stopHosts);

  async function start(
    what: string,
    { uid, cwd, args = [] }: { uid?: number | undefined; cwd?: string; args?: string[] } = {},
  ): Promise<Started> {
    const child = spawn(process.execPath, [program, what, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(uid !== undefined && { uid, gid: uid }),
      cwd,
    });
    const exited = once(child, 'exit');
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const one = {
      starter: child.pid ?? 0,
      pid: Number(said.toString()),
      async end(how: NodeJS.Signals) {
        child.kill(how);
        await exited;
      },
    };
    started.push(one);
    return one;
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)('is a PostgreSQL of a test, whose process got a %s', async (how) => {
    const { pid, end } = await start('postgres');
    expect(await isAlive(pid)).toBe(true);
    await end(how);
    expect(await waitUntilGone(pid, 20_000)).toBe(true);
  });

  it.each([['the same user', undefined], ...(isRoot ? [['a user without rights', NOBODY] as const] : [])] as const)(
    'is a program, or its whole group, of %s',
    async (_, uid) => {
      const one = await start('one', { uid });
      const group = await start('group', { uid });
      const [member = 0] = await childrenOf(group.pid);
      expect([await isAlive(one.pid), await isAlive(member)]).toEqual([true, true]);
      for (const { end } of [one, group]) await end('SIGKILL');
      for (const pid of [one.pid, group.pid, member]) expect(await waitUntilGone(pid, 20_000)).toBe(true);
    },
  );

  it.each([
    ['a program', 'tidy'],
    ['one of a group, though who leads that ends at once', 'tidyGroup'],
  ])('has the time to end in order, %s', async (_, what) => {
    const folder = await makeFolder();
    const file = (name: string): string => path.join(folder, name);
    const { pid, end } = await start(what, { cwd: folder });
    await untilThere(file('ready'));
    const members = await childrenOf(pid);
    await end('SIGKILL');
    await untilThere(file('asked'));
    await writeFile(file('go'), '');
    await untilThere(file('cleaned'));
    for (const one of [pid, ...members]) expect(await waitUntilGone(one, 20_000)).toBe(true);
  });

  it('is the database of an app, too, which has a session of its own', async () => {
    const app = await makeTinyApp();
    try {
      const Values = { DATABASE_URL: app.databaseUrl };
      await app.write('local.settings.json', JSON.stringify({ Values }));
      await app.write('package.json', JSON.stringify({ main: 'dist/app.js' }));
      const { pid, end } = await start('services', { cwd: app.dir, args: [ownProgram, 'services', '--app', app.dir] });
      const dataDir = path.join(app.dir, '.local', 'postgres');
      const { pid: database } = await untilValue(async () => {
        const server = await readPostmaster(dataDir);
        return server?.isReady ? server : undefined;
      });
      started.push({ starter: pid, pid: database, end: async () => undefined });
      await end('SIGKILL');
      for (const one of [pid, database]) expect(await waitUntilGone(one, 20_000)).toBe(true);
      expect(await readPostmaster(dataDir)).toBeUndefined();
    } finally {
      await app.remove();
    }
  });

  it('is watched no longer when it has ended before', async () => {
    const { starter, pid } = await start('stopped');
    expect(await waitUntilGone(pid, 20_000)).toBe(true);
    await untilValue(async () => ((await childrenOf(starter)).length === 0 ? true : undefined));
  });

  const untilThere = async (file: string): Promise<true> =>
    untilValue(async () =>
      access(file).then(
        () => true as const,
        () => undefined,
      ),
    );

  async function childrenOf(parent: number): Promise<number[]> {
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const stats = await Promise.all(ids.map((id) => readFile(`/proc/${id}/stat`, 'utf8').catch(() => '')));
    const isChild = (stat: string): boolean => stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(parent);
    return ids.filter((_, at) => isChild(stats[at] ?? '')).map(Number);
  }
});
