import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { identifyProcess } from '../../src/supervisor/processes';
import { lockDataFolder } from '../../src/supervisor/supervisor-lock';

describe('the lock of a data folder', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'functions-host-test-'));
    file = path.join(folder, 'supervisor', 'lock');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is free again once it is released', async () => {
    const first = await lockDataFolder(file, folder);
    await first.release();
    const second = await lockDataFolder(file, folder);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
    await second.release();
  });

  it('is refused while its process lives, which is named', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      await (await lockDataFolder(file, folder)).release();
      const identity = await identifyProcess(other.pid ?? 0);
      await writeFile(file, JSON.stringify({ pid: other.pid, identity }));
      await expect(lockDataFolder(file, folder)).rejects.toThrow(
        new RegExp(`Another functions-host \\(process ${other.pid ?? 0}\\) uses the data folder .*--data`),
      );
    } finally {
      const ended = new Promise((resolve) => other.once('exit', resolve));
      other.kill('SIGKILL');
      await ended;
    }
    // Whoever held it is gone now.
    await (await lockDataFolder(file, folder)).release();
  });

  const withIdentity = process.platform === 'win32' ? it.skip : it;
  withIdentity('is taken over from a process whose id went to another program', async () => {
    await (await lockDataFolder(file, folder)).release();
    await writeFile(file, JSON.stringify({ pid: process.ppid, identity: 'started at another time' }));
    await (await lockDataFolder(file, folder)).release();
  });

  it.each(['', 'null', '{"pid":"x"}', 'not json'])(
    'is taken over when nobody can be read from it: %j',
    async (content) => {
      await (await lockDataFolder(file, folder)).release();
      await writeFile(file, content);
      await (await lockDataFolder(file, folder)).release();
    },
  );

  it('goes to one of many who want it at once', async () => {
    await (await lockDataFolder(file, folder)).release();
    await writeFile(file, 'stale');
    const program = `
      const { lockDataFolder } = require(${JSON.stringify(path.join(folder, 'lock.js'))});
      lockDataFolder(${JSON.stringify(file)}, 'here').then(() => { console.log('got it'); setInterval(() => {}, 1000); }, (error) => console.log(error.message));
    `;
    const source = path.join(__dirname, '../../src/supervisor/supervisor-lock.ts');
    const options = ['--bundle', '--platform=node', `--outfile=${path.join(folder, 'lock.js')}`, '--log-level=error'];
    execFileSync(process.execPath, [require.resolve('esbuild/bin/esbuild'), source, ...options]);
    const processes = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    try {
      const answers = await Promise.all(
        processes.map(
          (child) =>
            new Promise<string>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))),
        ),
      );
      expect(answers.filter((answer) => answer.startsWith('got it'))).toHaveLength(1);
      expect(answers.filter((answer) => answer.startsWith('Another functions-host'))).toHaveLength(5);
    } finally {
      for (const child of processes) child.kill('SIGKILL');
    }
  });
});
