// `npm run crash -- --kills 200 --seed 7`: the crash test of the host, for longer than CI runs it. Prints how far it is and
// a report; fails on the first saga that did not end exactly once, and says what was sent and what was found. With
// `--messages` it is the app that is killed, host and Service Bus in turn, while orders come as messages.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    messages: { type: 'boolean', default: false },
  },
});
const { messages, ...numbers } = values;
for (const [name, value] of Object.entries(numbers)) {
  if (!/^\d+$/.test(value)) {
    console.error(`--${name}: expected a whole number, got '${value}'.`);
    process.exit(2);
  }
}
const { status } = spawnSync(
  process.execPath,
  [
    'node_modules/jest/bin/jest.js',
    messages ? 'test/integration/messages' : 'packages/functions-host/test/crash',
    '--testTimeout=3600000',
  ],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: {
      ...process.env,
      CRASH_SEED: values.seed,
      ...(messages ? forMessages(Number(values.kills)) : { CRASH_KILLS: values.kills }),
    },
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);

/** Half of the kills each, and orders enough to be at work meanwhile. */
function forMessages(kills) {
  const ofHost = Math.ceil(kills / 2);
  return {
    CRASH_HOST_KILLS: String(ofHost),
    CRASH_BROKER_KILLS: String(kills - ofHost),
    CRASH_ORDERS: String(10 * kills),
  };
}
