// `npm run package`: makes what is deployed, in `.package`:
//   app/        the folder: `dist/` (code and its source maps), `dist/proto/`, `host.json`, `build.json` (which build it is), and a
//               `package.json` without scripts and dependencies
//   app.zip     the same, zipped; the same sources give the same bytes
//   build.json  the build, which task hub it is for, and the names of all functions that it registers, sorted: a deployment waits for
//               exactly these
// and says what it weighs and how fast it loads. Ends with 1 when it is heavier than scripts/package/size-budget.json allows.
//
//   --task-hub <where>  `scheduler` (Durable Task Scheduler), as without, or `storage`: what host.json says to Azure; see `hostJson`
//   --out <folder>   instead of `.package`
//   --runs <n>       cold loads measured of each kind, 7 without; 0 measures none
//   --json           the figures as JSON, and nothing else
//   --keep-sizes     keep today's sizes of the packages as those that a later growth is told against
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleApp } from './package/bundle.mjs';
import { measureColdLoad } from './package/cold-load.mjs';
import { loadApp } from './package/load-app.mjs';
import { describeColdLoad, describeSize } from './package/report.mjs';
import { checkSize, keepSizes } from './package/size-budget.mjs';
import { zip } from './package/zip.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    'task-hub': { type: 'string', default: 'scheduler' },
    out: { type: 'string', default: path.join(root, '.package') },
    runs: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
    'keep-sizes': { type: 'boolean', default: false },
  },
});
if (!/^\d{1,3}$/.test(options.runs)) throw new Error(`--runs: expected a number from 0 to 999, got '${options.runs}'`);
const storageProvider = {
  scheduler: { type: 'azureManaged', connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING' },
  storage: { type: 'AzureStorage', connectionStringName: 'AzureWebJobsStorage' },
}[options['task-hub']];
if (storageProvider === undefined) {
  throw new Error(`--task-hub: expected scheduler or storage, got '${options['task-hub']}'`);
}
const out = path.resolve(options.out);

/** The folder's files: path in it -> content. */
async function collect() {
  const { files: code, weights } = await bundleApp(root);
  const { name, version, license, type, main, engines } = readJson('package.json');
  const { resolve } = createRequire(import.meta.url);
  const contract = path.join(path.dirname(resolve('@azure/functions-extensions-servicebus')), 'proto/settlement.proto');
  const files = new Map([
    ['host.json', toJson(hostJson())],
    ['package.json', toJson({ name, version, private: true, license, type, main, engines })],
    ['dist/proto/settlement.proto', readFileSync(contract)],
    ...[...code].map(([file, content]) => [`dist/${file}`, content]),
  ]);
  files.set('build.json', toJson({ build: identify(files) }));
  return { files, weights };
}

/**
 * host.json with the place of the task hub: Flex Consumption's scale controller reads that from the file alone, not from settings.
 * It is not in the repository's own, by which the app runs on a machine without either.
 */
function hostJson() {
  const { extensions, ...rest } = readJson('host.json');
  const durableTask = { ...extensions.durableTask, storageProvider };
  return { ...rest, extensions: { ...extensions, durableTask } };
}

/** 16 hex digits that are the same for the same files. */
function identify(files) {
  const hash = createHash('sha256');
  for (const name of [...files.keys()].sort())
    hash.update(`${name}\0${files.get(name).length}\0`).update(files.get(name));
  return hash.digest('hex').slice(0, 16);
}

function write(folder, files) {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, content] of files) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function readJson(file) {
  return JSON.parse(readFileSync(path.join(root, file), 'utf8'));
}

function toJson(value) {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

const { files, weights } = await collect();
const app = path.join(out, 'app');
write(app, files);
const zipped = await zip(files);
writeFileSync(path.join(out, 'app.zip'), zipped);

// Code is loaded with the settings that are in the repository for this; which functions there are depends on none of them.
const settings = readJson('local.settings.json').Values;
const { names } = await loadApp(path.join(app, 'dist/app.js'), settings);
const build = JSON.parse(files.get('build.json')).build;
writeFileSync(path.join(out, 'build.json'), toJson({ build, taskHub: options['task-hub'], functions: names.sort() }));

const size = { zip: zipped.length, files, weights };
const runs = Number(options.runs);
const coldLoad =
  runs === 0
    ? undefined
    : await measureColdLoad({ root, app, folder: path.join(root, '.package/unbundled'), settings, runs });
if (options.json) {
  console.log(JSON.stringify({ build, zip: size.zip, functions: names.length, coldLoad }));
} else {
  console.log(describeSize(size, names.length));
  if (coldLoad !== undefined) console.log(describeColdLoad(coldLoad, loadavg()[0]));
  console.log(`In ${path.relative(process.cwd(), out) || '.'}: app/, app.zip, build.json (build ${build})`);
}

if (options['keep-sizes']) keepSizes(size);
else {
  const problem = checkSize(size);
  if (problem !== undefined) {
    console.error(problem);
    process.exitCode = 1;
  }
}
