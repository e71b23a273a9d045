import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { type Emulator, type EmulatorOptions, startEmulator } from 'service-bus-emulator';
import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { writeApp } from '../support/write-app';

const app = `
const { app } = require('@azure/functions');
const connection = 'BUS';
const run = async (message, context) => {
  context.log('begin ' + message.id);
  await new Promise((resolve) => setTimeout(resolve, message.slow ?? 0));
  context.log('end ' + message.id);
};
app.serviceBusQueue('onOrder', { queueName: 'orders', connection, handler: run });
app.serviceBusQueue('onStep', { queueName: 'steps', connection, isSessionsEnabled: true, handler: run });
`;

const config = {
  queues: [
    { name: 'orders', options: { lockDurationMs: 60_000 } },
    { name: 'steps', options: { lockDurationMs: 60_000, requiresSession: true } },
  ],
  topics: [],
} satisfies EmulatorOptions['config'];

let data: string;
let emulator: Emulator | undefined;
let host: HostProcess;

const start = async (port: number): Promise<Emulator> => (emulator = await startEmulator({ config, data, port }));

const send = async (to: string, ...bodies: { id: string; slow?: number; sessionId?: string }[]): Promise<void> => {
  const client = new ServiceBusClient(emulator?.connectionString ?? '');
  const messages = bodies.map(({ sessionId, ...body }) => ({
    body,
    ...(sessionId === undefined ? {} : { sessionId }),
  }));
  await client.createSender(to).sendMessages(messages);
  await client.close();
};

const counted = (pattern: RegExp): number => host.output().match(new RegExp(pattern, 'g'))?.length ?? 0;

beforeEach(async () => {
  data = await mkdtemp(path.join(os.tmpdir(), 'functions-host-'));
  const { connectionString } = await start(0);
  host = await startHostProcess(await writeApp({ 'index.js': app }), { settings: { BUS: connectionString } });
});
afterEach(async () => {
  await stopHosts();
  await emulator?.close();
  await rm(data, { recursive: true, force: true });
});

describe('a host whose broker goes away', () => {
  it('says so once for each function, and goes on when it is back: what it had comes again, nothing is lost', async () => {
    await send('orders', { id: 'a' }, { id: 'held', slow: 1500 });
    await host.waitFor(/end a/);
    await host.waitFor(/begin held/);
    const port = emulator?.port ?? 0;
    await emulator?.close();
    await host.waitFor(/The Service Bus trigger of 'onOrder' on queue 'orders' can't receive from namespace/);
    await host.waitFor(/end held/);
    await start(port);
    await send('orders', { id: 'b' });
    await host.waitFor(/trigger of 'onOrder' on queue 'orders' receives from namespace .* again/, 20_000);
    await host.waitFor(/end b/, 20_000);
    expect(counted(/'onOrder' on queue 'orders' can't receive/)).toBe(1);
    await send('steps', { id: 's-1', sessionId: 's' });
    await host.waitFor(/end s-1/, 20_000);
    expect(counted(/'onStep' on queue 'steps' can't receive/)).toBe(1);
    expect(counted(/begin a/)).toBe(1);
  }, 60_000);
});

describe('a host that stops', () => {
  it('lets functions end and completes their messages', async () => {
    await send('orders', { id: 'slow', slow: 700 });
    await send('steps', { id: 'step', slow: 700, sessionId: 's' });
    await host.waitFor(/begin slow/);
    await host.waitFor(/begin step/);
    await host.stop();
    expect(host.output()).toMatch(/end slow/);
    expect(host.output()).toMatch(/end step/);
    const client = new ServiceBusClient(emulator?.connectionString ?? '');
    expect(await client.createReceiver('orders').peekMessages(5)).toEqual([]);
    expect(await (await client.acceptSession('steps', 's')).peekMessages(5)).toEqual([]);
    await client.close();
  }, 30_000);

  it('gives back at once what it can’t wait for', async () => {
    await send('orders', { id: 'long', slow: 20_000 });
    await host.waitFor(/begin long/);
    await host.stop();
    const client = new ServiceBusClient(emulator?.connectionString ?? '');
    const [again] = await client.createReceiver('orders').receiveMessages(1, { maxWaitTimeInMs: 2000 });
    expect(again?.body).toEqual({ id: 'long', slow: 20_000 });
    expect(again?.deliveryCount).toBe(1);
    await client.close();
  }, 30_000);
});
