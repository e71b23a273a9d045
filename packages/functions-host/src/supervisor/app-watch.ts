/*
 * Changes of the app's files are found by asking for them twice a second. The system's own notifications would be cheaper,
 * but they are lost on network and container mounts, and a build that removes its output folder takes the watched folder
 * away with it; a few dozen file states a second are cheap and always right.
 *
 * A change counts when the files hold still for one more look, so that a build in the middle of writing restarts nothing,
 * and when contents differ, so that a build which writes the same again doesn't either.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const EVERY_MS = 500;
const CODE = /\.(?:c|m)?js$|\.json$/;

interface FileState {
  readonly stamp: string;
  readonly digest: string;
}

type Snapshot = ReadonlyMap<string, FileState>;

export interface AppWatch {
  /** Resolves with the files that changed since they were last looked at; rejects when `signal` aborts. */
  nextChange(signal: AbortSignal): Promise<string[]>;
}

/**
 * Watches what the app is made of: the folder of `main`, host.json, local.settings.json and package.json, without what lies
 * below node_modules, the data folder or hidden folders; and `more` files, wherever they are.
 */
export async function watchApp(
  appDir: string,
  main: string | undefined,
  dataDir: string,
  more: readonly string[] = [],
): Promise<AppWatch> {
  // As the data folder is given: by another name it would be taken for code.
  const appFolder = await realpath(appDir);
  const root = path.resolve(appFolder, codeFolder(main));
  const look = (last: Snapshot): Promise<Snapshot> => takeSnapshot({ appFolder, root, dataDir, more }, last);
  let known = await look(new Map());
  return {
    async nextChange(signal) {
      for (;;) {
        await delay(EVERY_MS, undefined, { signal });
        const seen = await look(known);
        const changed = differences(known, seen);
        if (changed.length === 0) {
          known = seen;
          continue;
        }
        const settled = await lookUntilStill(seen, look, signal);
        const all = differences(known, settled);
        known = settled;
        if (all.length > 0) return all.map((file) => path.relative(appFolder, file));
      }
    },
  };
}

/** Waits until nothing changes and something is there at all: a build removes its output first. */
async function lookUntilStill(
  first: Snapshot,
  look: (last: Snapshot) => Promise<Snapshot>,
  signal: AbortSignal,
): Promise<Snapshot> {
  let last = first;
  for (;;) {
    await delay(EVERY_MS / 2, undefined, { signal });
    const next = await look(last);
    if (differences(last, next).length === 0 && next.size > 0) return next;
    last = next;
  }
}

/** The fixed part of `main` in front of its file or of the first wildcard. */
function codeFolder(main = 'index.js'): string {
  const segments = main.split(/[\\/]/);
  const wild = segments.findIndex((segment) => /[*?{[]/.test(segment));
  return segments.slice(0, wild === -1 ? -1 : wild).join('/') || '.';
}

interface Watched {
  readonly appFolder: string;
  /** Of the code. */
  readonly root: string;
  readonly dataDir: string;
  readonly more: readonly string[];
}

async function takeSnapshot({ appFolder, root, dataDir, more }: Watched, last: Snapshot): Promise<Snapshot> {
  const settings = ['host.json', 'local.settings.json', 'package.json'].map((name) => path.join(appFolder, name));
  const code = await listCode(root, dataDir);
  const states = await Promise.all(
    [...new Set([...settings, ...more, ...code])].map((file) => readState(file, last.get(file))),
  );
  return new Map(states.filter((entry) => entry !== undefined));
}

async function listCode(folder: string, dataDir: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const lists = entries.map(async (entry): Promise<string[]> => {
    const target = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      const isSkipped = entry.name === 'node_modules' || entry.name.startsWith('.') || target === dataDir;
      return isSkipped ? [] : listCode(target, dataDir);
    }
    return CODE.test(entry.name) ? [target] : [];
  });
  return (await Promise.all(lists)).flat();
}

async function readState(file: string, last: FileState | undefined): Promise<[string, FileState] | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    const stamp = `${mtimeMs}/${size}/${ino}`;
    if (last?.stamp === stamp) return [file, last];
    return [
      file,
      {
        stamp,
        digest: createHash('sha1')
          .update(await readFile(file))
          .digest('hex'),
      },
    ];
  } catch {
    return undefined;
  }
}

function differences(before: Snapshot, after: Snapshot): string[] {
  const files = new Set([...before.keys(), ...after.keys()]);
  return [...files].filter((file) => before.get(file)?.digest !== after.get(file)?.digest);
}
