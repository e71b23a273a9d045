import { readFileSync } from 'node:fs';
import path from 'node:path';
import { writeApp } from '../support/write-app';
import { recordingsFolder } from './recording';

/**
 * Functions that the recorded app had beside those in its source, written after what the recordings show of them:
 * their bindings, inputs, outputs and histories.
 */
const furtherFunctions = `
const failedOnce = new Set();
df.app.activity('flaky', { handler: (x) => { if (!failedOnce.has(x)) { failedOnce.add(x); throw new Error('first time fails'); } return 'second time works'; } });
df.app.orchestration('rewindable', function* (ctx) {
  const first = yield ctx.df.callActivity('hop', 'before');
  return [first, yield ctx.df.callActivity('flaky', ctx.df.instanceId)];
});
df.app.orchestration('retrying', function* (ctx) { return yield ctx.df.callActivityWithRetry('flaky', new df.RetryOptions(200, 3), ctx.df.instanceId); });
df.app.orchestration('eternal', function* (ctx) {
  const n = ctx.df.getInput() || 1;
  yield ctx.df.callActivity('hop', n);
  if (n < 3) { ctx.df.continueAsNew(n + 1); return; }
  return n;
});
df.app.orchestration('callsEntity', function* (ctx) {
  const id = new df.EntityId('Counter', 'fromOrch');
  yield ctx.df.callEntity(id, 'add', 2);
  return yield ctx.df.callEntity(id, 'get');
});
df.app.orchestration('throws', function* () { throw new Error('orchestrator threw'); });
`;

const read = (file: string): string => readFileSync(path.join(recordingsFolder, file), 'utf8');

/** The app of the HTTP recordings, in a folder of its own. */
export function writeRecordedApp(): Promise<string> {
  return writeApp({
    'package.json': '{ "main": "src/index.js" }',
    'host.json': read('app/host.json'),
    'src/index.js': read('app/src/index.js') + furtherFunctions,
  });
}

/** The app of the storage recordings; it appends what its triggers are given to two files in its folder. */
export function writeRecordedStorageApp(): Promise<string> {
  return writeApp({
    'package.json': read('appblob/package.json'),
    'host.json': read('appblob/host.json'),
    'src/index.js': read('appblob/src/index.js'),
  });
}
