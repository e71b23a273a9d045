// Fails when a dependency that ships, or that builds what ships, has a licence outside the list.
// Reads the lock file, so it says the same on every platform; `node scripts/licences.mjs --list` prints the counts.
import { readFileSync } from 'node:fs';

const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'ISC',
  'BlueOak-1.0.0',
  'PostgreSQL',
]);

/** Licences that the allowed ones do not cover, each with the reason why the package may stay. */
const EXCEPTIONS = new Map([
  ['caniuse-lite', "CC-BY-4.0 data that jest brings along for Babel; used on developers' machines only"],
  ['uri-templates', 'public domain, re-licensable without restriction; azurite brings it along'],
]);

const isAllowed = (expression) =>
  expression
    .replace(/[()]/g, '')
    .split(/\s+OR\s+/i)
    .some((choice) => choice.split(/\s+AND\s+/i).every((licence) => ALLOWED.has(licence.trim())));

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const counts = new Map();
const refused = [];
for (const [folder, entry] of Object.entries(packages)) {
  if (folder === '' || entry.link) continue;
  const name = folder.replace(/^.*node_modules\//, '');
  const licence = entry.license ?? 'none';
  counts.set(licence, (counts.get(licence) ?? 0) + 1);
  if (!isAllowed(licence) && !EXCEPTIONS.has(name)) refused.push(`${name}@${entry.version}: ${licence}`);
}
if (process.argv.includes('--list'))
  console.log(
    [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([licence, n]) => `${n}\t${licence}`)
      .join('\n'),
  );
if (refused.length > 0) {
  console.error(`Licences that are not on the list (${[...ALLOWED].join(', ')}):\n  ${refused.join('\n  ')}`);
  process.exitCode = 1;
}
