import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { startStorage, type TestStorage } from '../support/storage';
import { writeApp } from '../support/write-app';

const app = `
const { app, output } = require('@azure/functions');
const durable = require('durable-functions');
const connection = 'AzureWebJobsStorage';
const slow = async () => {
  await new Promise((resolve) => setTimeout(resolve, 3000));
  console.log('the handler itself went on');
  return 'too late';
};
const late = output.storageQueue({ queueName: 'late', connection });

app.http('web', { authLevel: 'anonymous', return: undefined, extraOutputs: [late], handler: async (request, context) => {
  const result = await slow();
  context.extraOutputs.set(late, result);
  return { body: result };
} });
app.timer('tick', {
  schedule: '0 0 0 1 1 *', runOnStartup: true, return: late, handler: slow,
  retry: { strategy: 'fixedDelay', delayInterval: { milliseconds: 1 }, maxRetryCount: 1 },
});
app.storageQueue('message', { queueName: 'work', connection, return: late, handler: slow });
app.storageBlob('blob', { path: 'inbox/{name}', connection, return: late, handler: slow });
durable.app.activity('activity', { extraOutputs: [late], handler: async (input, context) => context.extraOutputs.set(late, await slow()) });
durable.app.orchestration('orchestrator', function* (context) {
  try { return yield context.df.callActivity('activity'); } catch (error) { return 'failed: ' + error.message; }
});
`;

describe('a function that runs longer than functionTimeout', () => {
  let storage: TestStorage;
  let host: HostProcess;

  beforeAll(async () => {
    storage = await startStorage();
    const container = storage.blobs.getContainerClient('inbox');
    await container.create();
    await container.getBlockBlobClient('x').upload('x', 1);
    await storage.queues.getQueueClient('work').create();
    await storage.queues.getQueueClient('work').sendMessage(Buffer.from('m').toString('base64'));
    const hostJson = { version: '2.0', functionTimeout: '00:00:01', extensions: { queues: { maxDequeueCount: 2 } } };
    const appDir = await writeApp({ 'index.js': app, 'host.json': JSON.stringify(hostJson) });
    host = await startHostProcess(appDir, { settings: { AzureWebJobsStorage: storage.connectionString } });
  });
  afterAll(async () => {
    await stopHosts();
    await storage.stop();
  });

  it('fails over HTTP with 500; its handler goes on, but what it gives is dropped', async () => {
    expect((await fetch(`${host.url}/api/web`)).status).toBe(500);
    await host.waitFor(/Timeout value of 00:00:01 was exceeded by function: Functions\.web/);
    await host.waitFor(/the handler itself went on/);
  });

  it('fails as a timer, by its retry policy', async () => {
    await host.waitFor(/(Executed 'Functions\.tick' \(Failed[\s\S]*){2}/);
  });

  it('fails as a queue message and as a blob, as often as it may', async () => {
    await host.waitFor(/Moving message to queue 'work-poison'/);
    await host.waitFor(/'Functions\.blob' failed for blob inbox\/x as often as it may/);
  });

  it('fails an activity, which its orchestrator can catch', async () => {
    const started = (await (
      await fetch(`${host.url}/runtime/webhooks/durabletask/orchestrators/orchestrator`, { method: 'POST' })
    ).json()) as { statusQueryGetUri: string };
    const deadline = Date.now() + 10_000;
    let status = { runtimeStatus: '', output: '' };
    while (status.runtimeStatus !== 'Completed' && Date.now() < deadline) {
      status = (await (await fetch(started.statusQueryGetUri)).json()) as typeof status;
    }
    expect(status.output).toMatch(/failed: .*Timeout value of .* was exceeded by function: Functions\.activity/s);
  });

  it('writes no output of any', async () => {
    await host.waitFor(/(the handler itself went on[\s\S]*){6}/);
    await host.stop();
    expect(await storage.queues.getQueueClient('late').exists()).toBe(false);
  });
});
