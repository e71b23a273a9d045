import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sagas } from '../src/sagas';
import { createReplayer, readHistories, recordHistories } from '../test/orchestrations/recorded-histories';

/**
 * Saves a history of each scripted way of each saga to `test/histories/<saga>/<version>`. One that today's code would no
 * longer go on from is not replaced: the saga has changed and needs another version. `--replace` says that no instance of
 * the old code is left anywhere. Files of ways that are gone go too; those of earlier versions stay.
 */

const ROOT = findRoot(__dirname);
const FOLDER = path.join(ROOT, 'test', 'histories');

async function main(): Promise<void> {
  const replace = process.argv.includes('--replace');
  const replay = createReplayer();
  const recorded = await recordHistories();
  const present = readHistories(FOLDER);
  const current = new Set(sagas.map(({ name, version }) => `${name}/${version}`));
  for (const { file, history } of replace ? [] : present) {
    const verdict = replay(history);
    if (!current.has(path.posix.dirname(file)) || verdict.verdict !== 'differs') continue;
    throw new Error(
      `test/histories/${file}: the saga has changed at ${verdict.step ?? 'its course'}, and its version has not\n` +
        `  history: ${verdict.history}\n  code:    ${verdict.code}\n  mend:    ${verdict.mend}\n` +
        'If no instance of the old code is left anywhere, run it again with --replace.',
    );
  }
  let written = 0;
  for (const { file, history } of recorded) {
    const target = path.join(FOLDER, file);
    const text = `${JSON.stringify(history, null, 1)}\n`;
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
    written += 1;
  }
  const files = new Set(recorded.map(({ file }) => file));
  const gone = present.filter(({ file }) => current.has(path.posix.dirname(file)) && !files.has(file));
  for (const { file } of gone) rmSync(path.join(FOLDER, file));
  console.log(`${recorded.length} histories: ${written} written, ${gone.length} removed.`);
}

/** The folder with the app's package.json, from wherever this script was built to. */
function findRoot(folder: string): string {
  if (readdirSync(folder).includes('orchestrations')) return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error(`expected to be run from within the app, found none above ${__dirname}`);
  return findRoot(parent);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
