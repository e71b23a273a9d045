import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { watchApp } from '../../src/supervisor/app-watch';

describe('the watch of an app', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), 'functions-host-test-')));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('takes a data folder inside of the app for no code, by whatever name the app is called', async () => {
    const appDir = path.join(folder, 'app');
    const dataDir = path.join(appDir, 'data');
    const link = path.join(folder, 'link');
    await mkdir(dataDir, { recursive: true });
    await symlink(appDir, link);
    for (const name of [appDir, link]) {
      const watch = await watchApp(name, 'index.js', dataDir);
      await writeFile(path.join(dataDir, 'keys.json'), JSON.stringify({ name }));
      await writeFile(path.join(appDir, 'index.js'), `// ${name}`);
      expect(await watch.nextChange(new AbortController().signal)).toEqual(['index.js']);
    }
  });
});
