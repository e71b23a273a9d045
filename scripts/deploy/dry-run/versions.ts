import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

/*
 * Versions of this app to roll out: the sources as they are, and changes of them, each of a kind that a team makes.
 * A change that no longer finds what it changes is an error, never a version that is the same as today's.
 */

interface Change {
  readonly file: string;
  /** The new text, or undefined when the place was not found. */
  readonly edit: (text: string) => string | undefined;
}

export interface Version {
  readonly title: string;
  readonly changes: readonly Change[];
}

const PLACE_ORDER = 'orchestrations/place-order.ts';

const replacing = (file: string, old: RegExp, next: string): Change => ({
  file,
  edit: (text) => (old.test(text) ? text.replace(old, next) : undefined),
});

/** The saga with its next version number, since what it does has changed. */
const nextVersion = replacing(PLACE_ORDER, /(name: 'placeOrder',\s+version: ')(\d+)/, '$1$2-next');

export const versions = {
  today: { title: 'the sources as they are', changes: [] },

  beforeHubs: {
    title: 'a version that knows nothing of task hubs',
    changes: [replacing('src/app.ts', /\nroute\('showTaskHub'[^\n]*\n/, '\n')],
  },

  compatible: {
    title: 'a pause before the payment, for sagas of the new version only, and a column more',
    changes: [
      nextVersion,
      replacing(
        PLACE_ORDER,
        /\n( +)(const payment = \{ orderId)/,
        "\n$1if (saga.version.endsWith('-next')) yield* saga.sleep('1 second');\n$1$2",
      ),
      {
        file: 'migrations/9999_gift_note.sql',
        edit: () =>
          '-- Up Migration\nalter table orders add column gift_note text;\n\n-- Down Migration\nalter table orders drop column gift_note;\n',
      },
    ],
  },

  incompatible: {
    title: 'the approval before the reservations, for sagas under way as well',
    changes: [{ file: PLACE_ORDER, edit: swapFirstSteps }],
  },

  broken: {
    title: 'a version that can reserve nothing',
    changes: [
      replacing(
        'activities/reserve-stock.ts',
        /( +)const \{ sku, quantity \} = reservation;\n/,
        "$&$1if (quantity > 0) throw refusal('broken', 'this version can reserve nothing');\n",
      ),
    ],
  },
  stuck: {
    title: 'a version that can give back nothing, so that what is to be undone waits for ever',
    changes: [
      replacing(
        'activities/reserve-stock.ts',
        /stock\.release\(step\.key\),/,
        "Promise.reject(stock && refusal('stuck', `this version can't give back ${step.key}`)),",
      ),
    ],
  },
} satisfies Record<string, Version>;

function swapFirstSteps(text: string): string | undefined {
  const reserving = / +yield\* saga\.map\(reservations[\s\S]*?\}\);\n/.exec(text)?.[0];
  const approving = / +if \(total > order\.approval\.threshold\)[^\n]*\n/.exec(text)?.[0];
  if (reserving === undefined || approving === undefined) return undefined;
  return text.replace(approving, '').replace(reserving, approving + reserving);
}

/** What a package is made of. What is installed or built already is not copied but led to. */
const COPIED = [
  'activities',
  'infra',
  'local',
  'migrations',
  'orchestrations',
  'scripts',
  'src',
  'test',
  'build-settings.mjs',
  'build.mjs',
  'host.json',
  'local.settings.json',
  'package.json',
  'tsconfig.json',
];
const LED_TO = ['node_modules', 'packages'];

/** Makes a checkout of this version in the folder. */
export async function checkOut(root: string, { changes }: Version, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const there = COPIED.filter((name) => existsSync(path.join(root, name)));
  await Promise.all(there.map((name) => cp(path.join(root, name), path.join(folder, name), { recursive: true })));
  await Promise.all(LED_TO.map((name) => symlink(path.join(root, name), path.join(folder, name))));
  for (const { file, edit } of changes) {
    const place = path.join(folder, file);
    const text = existsSync(place) ? await readFile(place, 'utf8') : '';
    const edited = edit(text);
    if (edited === undefined || edited === text)
      throw new Error(`${file}: expected the place that this version changes`);
    await writeFile(place, edited);
  }
}
