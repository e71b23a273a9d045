import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Tests that start the real host run what `npm start` runs, so the bundles are made from today's sources first. */
export default function buildOnce() {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  execFileSync(process.execPath, ['build.mjs', '--all'], { cwd: root, stdio: 'inherit' });
}
