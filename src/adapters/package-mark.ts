import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Which build of the app this is: what `npm run package` has written into `build.json` beside host.json, and
 * `development` where the app runs from a checkout. Rejects when the file is there and says no build.
 */
export async function readBuild(from = __dirname): Promise<string> {
  const folder = findApp(from);
  const file = folder === undefined ? undefined : path.join(folder, 'build.json');
  if (file === undefined || !existsSync(file)) return 'development';
  const { build } = JSON.parse(await readFile(file, 'utf8')) as { build?: unknown };
  if (typeof build !== 'string') throw new Error(`${file}: expected a text "build", got ${JSON.stringify(build)}`);
  return build;
}

/** The folder with host.json in it, at or above the given one. */
function findApp(folder: string): string | undefined {
  if (existsSync(path.join(folder, 'host.json'))) return folder;
  const parent = path.dirname(folder);
  return parent === folder ? undefined : findApp(parent);
}
