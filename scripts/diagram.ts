import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toMermaid } from 'durable-saga/diagram';
import { sagaScripts } from '../test/orchestrations/saga-scripts';

/**
 * Draws each saga of the app, from the paths of its test, to `docs/sagas/<saga>.md`. With `--check` it writes nothing and
 * fails when a page is not what would be written now, is missing, or belongs to no saga any more.
 */

const LEGEND = `| drawn | means |
| --- | --- |
| blue box | a step with an undo |
| grey box | a step without one, or the saga's own word that it fails |
| purple, slanted | a wait: for an event or for a time |
| yellow, six corners | the pivot: from here on there is no way back |
| green box | a step after the pivot: it is tried until it succeeds, or parks |
| orange, dashed | an undo; from there on the saga goes back |
| solid line | the way on |
| dotted line | where a failure leads to: \`fails\` is one for good of which nobody knows whether it had its effect |

Before the pivot a cancel goes back, too, from wherever the saga stands. An undo that fails for good parks as well.
What is parked waits for an operator: \`retry\` and \`skip\` go on, \`fail\` gives it up.
`;

function makePages(): ReadonlyMap<string, string> {
  const pages = Object.entries(sagaScripts).map(([file, { saga, paths, draw }]): [string, string] => {
    const told = [
      ...(saga.settled === undefined ? [] : [`\`${saga.settled.name}\` is told how it ended.`]),
      ...(saga.parked === undefined
        ? []
        : [`\`${saga.parked.name}\` is told when something parks and when it goes on.`]),
    ];
    const ways = paths.map(({ title, ends }) => `- ${title}: ${ends}`);
    return [
      `${file}.md`,
      [
        `<!-- Made by \`npm run diagram\`; don't edit it. The ways stand in test/orchestrations. -->`,
        `# ${saga.name}`,
        `Drawn from what the saga of \`orchestrations/${file}.ts\` did on the ways that its test takes, and on each again with one step after another failing for good.`,
        `\`\`\`mermaid\n${toMermaid(draw())}\`\`\``,
        ...(told.length > 0 ? [told.join(' ')] : []),
        LEGEND.trim(),
        `The ways:\n\n${ways.join('\n')}`,
      ].join('\n\n') + '\n',
    ];
  });
  return new Map(pages);
}

function main(): void {
  const folder = path.join(findRoot(__dirname), 'docs', 'sagas');
  const pages = makePages();
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const stale = [
    ...[...pages].filter(
      ([file, text]) => !present.includes(file) || readFileSync(path.join(folder, file), 'utf8') !== text,
    ),
  ].map(([file]) => file);
  const orphans = present.filter((file) => !pages.has(file));
  if (process.argv.includes('--check')) {
    if (stale.length === 0 && orphans.length === 0) return;
    console.error(`docs/sagas is not current (${[...stale, ...orphans].join(', ')}): run \`npm run diagram\`.`);
    process.exitCode = 1;
    return;
  }
  mkdirSync(folder, { recursive: true });
  for (const file of stale) writeFileSync(path.join(folder, file), pages.get(file) ?? '');
  for (const file of orphans) rmSync(path.join(folder, file));
  console.log(stale.length + orphans.length === 0 ? 'docs/sagas is current.' : `Drew ${stale.join(', ')}.`);
}

/** The folder with the app's package.json, from wherever this script was built to. */
function findRoot(folder: string): string {
  if (existsSync(path.join(folder, 'orchestrations'))) return folder;
  const parent = path.dirname(folder);
  if (parent === folder)
    throw new Error(`expected to be run from within the app, found no orchestrations above ${__dirname}`);
  return findRoot(parent);
}

main();
