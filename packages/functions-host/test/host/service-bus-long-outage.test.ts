import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { type Emulator, startEmulator } from 'service-bus-emulator';
import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { until } from '../support/until';
import { writeApp } from '../support/write-app';

const app = `
const { app, output } = require('@azure/functions');
const connection = 'BUS';
const orders = output.serviceBusQueue({ queueName: 'orders', connection });
app.http('place', {
  methods: ['POST'],
  authLevel: 'anonymous',
  extraOutputs: [orders],
  handler: async (request, context) => {
    context.extraOutputs.set(orders, { id: await request.text() });
    return { status: 202 };
  },
});
const freed = new Promise((resolve) => app.http('free', { authLevel: 'anonymous', handler: () => (resolve(), {}) }));
app.serviceBusQueue('onOrder', {
  queueName: 'orders',
  connection,
  handler: async ({ id }, context) => {
    context.log('begin ' + id);
    if (id === 'held') await freed;
    context.log('end ' + id);
  },
});
`;

/** What a client tries within minutes on Azure, it tries within seconds here. */
const hostJson = {
  version: '2.0',
  extensions: {
    http: { routePrefix: '' },
    serviceBus: {
      maxConcurrentCalls: 1,
      clientRetryOptions: { mode: 'Fixed', maxRetries: 2, delay: '00:00:00.200', tryTimeout: '00:00:01' },
    },
  },
};

let data: string;
let emulator: Emulator | undefined;
let host: HostProcess;

const start = async (port: number): Promise<Emulator> =>
  (emulator = await startEmulator({
    config: { queues: [{ name: 'orders', options: { lockDurationMs: 6_000 } }], topics: [] },
    data,
    port,
  }));
const place = async (id: string): Promise<number> =>
  (await fetch(`${host.url}/place`, { method: 'POST', body: id })).status;
const ends = (id: string): number => host.output().split(`end ${id}`).length - 1;

beforeEach(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), 'functions-host-'));
  const { connectionString } = await start(0);
  const folder = await writeApp({ 'index.js': app, 'host.json': JSON.stringify(hostJson) });
  host = await startHostProcess(folder, { settings: { BUS: connectionString } });
});
afterEach(async () => {
  await stopHosts();
  await emulator?.close();
  await rm(data, { recursive: true, force: true });
});

it('loses nothing while the broker is away for longer than any client tries', async () => {
  const client = new ServiceBusClient(emulator!.connectionString);
  await client.createSender('orders').sendMessages(['held', 'behind'].map((id) => ({ body: { id }, messageId: id })));
  await client.close();
  await host.waitFor(/begin held/);
  const port = emulator!.port;
  await emulator!.close();
  await host.waitFor(/trigger of 'onOrder' on queue 'orders' can't receive from namespace/, 20_000);
  // A sender is told that its message did not go.
  expect(await place('refused')).toBe(500);
  await host.waitFor(/Executed 'Functions.place' \(Failed[^]*could not be sent to queue 'orders'/);
  // What was handled meanwhile can't be completed: until its lock has ended that is tried, then it comes again.
  await fetch(`${host.url}/free`);
  await host.waitFor(/could not complete message 'held' yet/, 30_000);
  expect(ends('behind')).toBe(0);
  await start(port);
  await host.waitFor(/trigger of 'onOrder' on queue 'orders' receives from namespace .* again/, 30_000);
  await host.waitFor(/has handled message 'held', but it comes again/, 30_000);
  await host.waitFor(/end behind/, 30_000);
  expect(await place('accepted')).toBe(202);
  await host.waitFor(/end accepted/, 30_000);
  await until(() => emulator?.broker.getQueue('orders')?.counts.total === 0, 10_000);
  expect(ends('held')).toBeGreaterThan(1);
  expect(ends('behind')).toBeGreaterThan(0);
  expect(ends('refused')).toBe(0);
  expect(emulator?.broker.getQueue('orders')?.counts.deadLetter).toBe(0);
  expect(host.output().split("'onOrder' on queue 'orders' can't receive").length - 1).toBe(1);
}, 150_000);
