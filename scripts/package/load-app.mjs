import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('load-app.cjs', import.meta.url));

/**
 * Loads an app's code in a process of its own, which connects to nothing.
 * @param settings the app's, in the place of whatever this process was given.
 * @returns `names` of the functions that it registers; `ms` from the start of the process until all were registered.
 */
export async function loadApp(file, settings) {
  const { PATH } = process.env;
  const run = promisify(execFile)(process.execPath, [program, file], {
    cwd: path.dirname(file),
    env: { PATH, ...settings },
  });
  return JSON.parse((await run).stdout);
}
