// `npm run crash:service-bus -- --messages 100000 --kills 20`: messages through the Service Bus emulator while the consumer,
// and then the emulator itself, is killed again and again. Prints how far it is and a report of each; fails when a message
// is lost or completed twice.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '100000' }, kills: { type: 'string', default: '20' } },
});
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d*$/.test(value)) {
    console.error(`--${name}: expected a whole number above 0, got '${value}'.`);
    process.exit(2);
  }
}
const { status } = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', 'packages/service-bus-emulator/test/crash'],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, SERVICE_BUS_CRASH_MESSAGES: values.messages, SERVICE_BUS_CRASH_KILLS: values.kills },
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
