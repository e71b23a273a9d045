import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { appOutside, shared } from '../../build-settings.mjs';
import { loadApp } from './load-app.mjs';

/**
 * How long it takes from the start of a process until all functions are registered: of the package, and of the same app unbundled,
 * that is its own code in one file and every package in node_modules. One process each, in turn, so that both meet the same machine.
 * @param folder where the unbundled app's file goes; it must lie in the repository, whose node_modules it needs.
 * @returns milliseconds of each run: `{ packaged, unbundled }`.
 */
export async function measureColdLoad({ root, app, folder, settings, runs }) {
  const unbundled = await makeUnbundled(root, folder);
  const packaged = path.join(app, 'dist/app.js');
  const result = { packaged: [], unbundled: [] };
  // The first of each only brings the files into memory.
  for (let run = 0; run <= runs; run++) {
    const times = {
      packaged: (await loadApp(packaged, settings)).ms,
      unbundled: (await loadApp(unbundled, settings)).ms,
    };
    if (run > 0) for (const [name, ms] of Object.entries(times)) result[name].push(ms);
  }
  return result;
}

async function makeUnbundled(root, folder) {
  const { outputFiles } = await build({
    ...shared,
    absWorkingDir: root,
    entryPoints: ['src/app.ts'],
    outfile: path.join(folder, 'app.js'),
    packages: 'external',
    external: appOutside,
    sourcemap: false,
    write: false,
  });
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'app.js');
  writeFileSync(file, outputFiles[0].contents);
  return file;
}
