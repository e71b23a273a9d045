// `npm run crash -- --kills 200 --seed 7`: the crash test of the host, for longer than CI runs it. Prints how far it is and
// a report; fails on the first saga that did not end exactly once, and says what was sent and what was found.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
for (const [name, value] of Object.entries(values)) {
  if (!/^\d+$/.test(value)) {
    console.error(`--${name}: expected a whole number, got '${value}'.`);
    process.exit(2);
  }
}
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', 'packages/functions-host/test/crash', '--testTimeout=3600000'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, CRASH_KILLS: values.kills, CRASH_SEED: values.seed },
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
