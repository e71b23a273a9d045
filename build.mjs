// Makes what runs: `node build.mjs` the app (dist/app.js, dist/local/*, dist/scripts/*, dist/bench/*), `--package <folder>` one package,
// `--all` everything. Declarations of packages come from `tsc`, in each package's own build script.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { appOutside, appPlugins, shared } from './build-settings.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));

/** The app is one bundle with its dependencies in it; only what the host provides or what is optional stays outside. */
async function buildApp() {
  const entries = { app: 'src/app.ts' };
  for (const file of list('scripts', '.ts')) entries[`scripts/${path.basename(file, '.ts')}`] = `scripts/${file}`;
  for (const name of ['main', 'load', 'http-driver', 'http-load']) entries[`bench/${name}`] = `bench/${name}.ts`;
  for (const folder of list('local')) entries[`local/${folder}`] = `local/${folder}/main.ts`;
  const present = Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(path.join(root, file))));
  await replaceOutput(path.join(root, 'dist'), {
    absWorkingDir: root,
    entryPoints: present,
    outdir: 'dist',
    conditions: ['source'],
    sourcesContent: false,
    external: appOutside,
    plugins: appPlugins,
  });
  copySettlementContract();
}

/** The Service Bus extension reads it at run time, beside its own code: here that is beside the bundle. */
function copySettlementContract() {
  const contract = path.join('proto', 'settlement.proto');
  const { resolve } = createRequire(import.meta.url);
  const file = path.join(path.dirname(resolve('@azure/functions-extensions-servicebus')), contract);
  const copy = path.join(root, 'dist', contract);
  mkdirSync(path.dirname(copy), { recursive: true });
  writeFileSync(copy, readFileSync(file));
}

/** A package keeps its dependencies outside; each of its entries is one file, so that it starts fast. */
async function buildPackage(folder) {
  const dir = path.join(root, 'packages', folder);
  const { buildEntries } = JSON.parse(readFileSync(path.join(dir, 'package.json'), 'utf8'));
  await replaceOutput(path.join(dir, 'dist'), {
    absWorkingDir: dir,
    entryPoints: buildEntries.filter((file) => existsSync(path.join(dir, file))),
    outbase: 'src',
    outdir: 'dist',
    packages: 'external',
    sourcesContent: false,
  });
}

/**
 * Builds in memory, then replaces each file that differs in one step: what runs from the folder never misses a file, and
 * a watcher sees only real changes. Scripts of an earlier build that are not made any more are removed.
 */
async function replaceOutput(folder, options) {
  const { outputFiles } = await build({ ...shared, ...options, write: false });
  const made = new Set(outputFiles.map((file) => file.path));
  for (const file of outputFiles) {
    if (existsSync(file.path) && readFileSync(file.path).equals(file.contents)) continue;
    mkdirSync(path.dirname(file.path), { recursive: true });
    const draft = `${file.path}.${process.pid}`;
    writeFileSync(draft, file.contents);
    renameSync(draft, file.path);
  }
  for (const name of existsSync(folder) ? readdirSync(folder, { recursive: true }) : []) {
    const file = path.join(folder, name);
    if (/\.js(\.map)?$/.test(name) && !made.has(file)) rmSync(file, { force: true });
  }
}

function list(folder, ending = '') {
  const dir = path.join(root, folder);
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(ending)) : [];
}

const [flag, value] = process.argv.slice(2);
if (flag === '--package') await buildPackage(value);
else {
  if (flag === '--all') for (const folder of list('packages')) await buildPackage(folder);
  await buildApp();
}
