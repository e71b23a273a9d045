import { parseArgs } from 'node:util';
import { describeGate, InstanceSourceError, runReplayGate } from 'durable-saga/testing';
import { activities, sagas } from '../src/sagas';
import { isSmokeId } from './deploy/smoke-ids';

/** Before a build is deployed: replays the histories of a running app's unfinished sagas against it. */

const USAGE = `Usage: npm run replay-gate -- --from <url> [options]
  --from <url>            where the app runs, e.g. http://localhost:7071
  --sample <n>            at most so many instances, of all places where instances stand (default: all unfinished ones)
  --without-smoke-orders  leaves out sagas of smoke orders: the smoke saga of the new build ends them
  --task-hub <name>       default: the host's own
  --concurrency <n>       histories fetched at the same time (default: 8)
  --allow-unverifiable    ends with 0, too, where some histories can't be held against the code
  --show-payloads         prints the whole history of each instance that is not the same: it holds customers' data
The key, where the host asks for one, is the system key 'durabletask_extension' in the variable REPLAY_GATE_KEY.
Ends with 0: all the same; 1: some differ; 2: could not run; 3: none differs, some are unverifiable.`;

const ENDS = { same: 0, differs: 1, failed: 2, unverifiable: 3 } as const;

class UsageError extends Error {}

async function main(): Promise<number> {
  const values = readOptions();
  if (values.help) {
    console.log(USAGE);
    return ENDS.same;
  }
  if (values.from === undefined) throw new UsageError('expected --from <url>');
  const showPayloads = values['show-payloads'];
  const result = await runReplayGate({
    sagas,
    activities,
    from: values.from,
    key: process.env['REPLAY_GATE_KEY'] || undefined,
    taskHub: values['task-hub'],
    leaveOut: values['without-smoke-orders'] ? isSmokeId : undefined,
    sample: readCount('--sample', values.sample),
    concurrency: readCount('--concurrency', values.concurrency) ?? 8,
    ...(showPayloads && { onShown: (_verdict, shown) => console.log(JSON.stringify(shown, null, 2)) }),
  });
  for (const line of describeGate(result)) console.log(line);
  if (result.differs.length > 0) return ENDS.differs;
  return result.unverifiable.length > 0 && !values['allow-unverifiable'] ? ENDS.unverifiable : ENDS.same;
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        from: { type: 'string' },
        sample: { type: 'string' },
        'task-hub': { type: 'string' },
        'without-smoke-orders': { type: 'boolean', default: false },
        concurrency: { type: 'string' },
        'allow-unverifiable': { type: 'boolean', default: false },
        'show-payloads': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new UsageError(`${option}: expected a whole number from 1 on, got '${text}'`);
  return Number(text);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = ENDS.failed;
    if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
    else if (error instanceof InstanceSourceError) console.error(`The gate could not run: ${error.message}`);
    else console.error(error);
  },
);
