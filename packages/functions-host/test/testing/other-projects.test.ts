import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const root = path.join(__dirname, '../../../..');
const run = promisify(execFile);

/** An app as somebody else writes it: plain JavaScript, Microsoft's two libraries and nothing of ours. */
const index = `
const { app } = require('@azure/functions');
const df = require('durable-functions');
df.app.orchestration('remind', function* (context) {
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 86_400_000));
  return yield context.df.callActivity('greet', context.df.getInput());
});
df.app.activity('greet', { handler: (name) => 'Hello ' + name + ' at ' + new Date().toISOString() });
const texts = [];
app.storageQueue('take', { queueName: 'texts', connection: 'AzureWebJobsStorage', handler: (text) => texts.push(text) });
app.http('hello', { methods: ['GET'], handler: () => ({ body: texts.join() }) });
`;
const steps = `
  const host = await createTestHost({ app: __dirname, startAt: '2026-01-05T00:00:00Z' });
  const id = await host.start('remind', 'Ada');
  await host.queues.send('texts', 'hello', { visibleIn: '1 hour' });
  await host.advance('1 day');
  const { output } = await host.status(id);
  const { body } = await host.http('GET', '/api/hello');
  await host.stop();
`;
const wanted = "['Hello Ada at 2026-01-06T00:00:00.000Z', 'hello']";

jest.setTimeout(180_000);
afterAll(stopHosts);

describe('an app of plain JavaScript', () => {
  it('is tested in jest by the preset alone', async () => {
    const folder = await writeApp({
      'index.js': index,
      'package.json': JSON.stringify({ main: 'index.js', jest: { preset: 'functions-host', testTimeout: 60_000 } }),
      'app.test.js': `
        const { createTestHost } = require('functions-host/testing');
        test.each([1, 2])('reminds (%i)', async () => {${steps}
          expect([output, body]).toEqual(${wanted});
        });
        test('a handler is loaded by itself, too', () => {
          require('./index.js');
        });`,
    });
    const jestProgram = path.join(root, 'node_modules/jest/bin/jest.js');
    const { stderr } = await run(process.execPath, [jestProgram, '--rootDir', folder, '--runInBand'], { cwd: folder });
    expect(stderr).toMatch(/3 passed, 3 total/);
  });

  it('is tested by node --test without further ado', async () => {
    const folder = await writeApp({
      'index.js': index,
      'app.test.js': `
        const test = require('node:test');
        const assert = require('node:assert');
        const { createTestHost } = require('functions-host/testing');
        for (const round of [1, 2]) test('reminds ' + round, async () => {${steps}
          assert.deepEqual([output, body], ${wanted});
        });`,
    });
    const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', 'app.test.js'], { cwd: folder });
    expect(stdout).toMatch(/# pass 2\n/);
  });
});
