/*
 * What the package may weigh. An instance of Flex Consumption fetches the zip before it can answer, so weight is time; and weight comes by
 * itself, with each new version of a dependency. `size-budget.json` says how much is allowed and what the packages weighed when that was
 * last looked at: so a build that is too heavy can say what has grown.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('size-budget.json', import.meta.url);

/** Undefined, or what is too heavy and what has grown since the sizes were kept. */
export function checkSize({ zip, weights }) {
  const { zipBytes, packages } = JSON.parse(readFileSync(file, 'utf8'));
  if (zip <= zipBytes) return undefined;
  const grown = weights
    .map(([name, bytes]) => ({ name, bytes, by: bytes - (packages[name] ?? 0) }))
    .filter(({ by }) => by > 0)
    .sort((a, b) => b.by - a.by)
    .slice(0, 10)
    .map(({ name, bytes, by }) => `  ${name}: ${bytes} bytes, ${name in packages ? `${by} more` : 'new'}`);
  return [
    `The zip has ${zip} bytes; scripts/package/size-budget.json allows ${zipBytes}. Grown since the sizes there were kept:`,
    ...(grown.length > 0 ? grown : ['  no package: it must be the maps or other files']),
    'Drop what is not needed, or allow more there and say why (npm run package -- --keep-sizes keeps the new sizes).',
  ].join('\n');
}

/** Makes today's sizes those that growth is told against. The budget itself stays. */
export function keepSizes({ weights }) {
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, `${JSON.stringify({ ...kept, packages: Object.fromEntries(weights) }, null, 2)}\n`);
}
