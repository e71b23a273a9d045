import { ServiceBusClient } from '@azure/service-bus';
import { type Emulator, startEmulator } from 'service-bus-emulator';
import { type HostProcess, startHostProcess, stopHosts } from '../support/host-process';
import { until } from '../support/until';
import { writeApp } from '../support/write-app';

/** A step that is delivered for the first time is under way until it has come a second time. */
const app = `
const { app } = require('@azure/functions');
const again = {};
again.promise = new Promise((resolve) => (again.resolve = resolve));
const applied = new Set();
app.serviceBusQueue('onStep', {
  queueName: 'steps',
  connection: 'BUS',
  isSessionsEnabled: true,
  handler: async (message, context) => {
    const { deliveryCount, messageId } = context.triggerMetadata;
    context.log('begin ' + message.id + ' at delivery ' + deliveryCount);
    if (message.id === 'first') {
      if (deliveryCount === 1) await again.promise;
      else again.resolve();
    }
    if (!applied.has(messageId)) context.log('apply ' + message.id);
    applied.add(messageId);
    context.log('end ' + message.id + ' at delivery ' + deliveryCount);
  },
});
`;

const hostJson = {
  version: '2.0',
  // The lock is never renewed: it ends while the function works.
  extensions: { serviceBus: { maxAutoLockRenewalDuration: '00:00:00' } },
};

let emulator: Emulator | undefined;
let host: HostProcess;
let client: ServiceBusClient;

beforeEach(async () => {
  emulator = await startEmulator({
    config: { queues: [{ name: 'steps', options: { lockDurationMs: 2_000, requiresSession: true } }], topics: [] },
  });
  const { connectionString } = emulator;
  client = new ServiceBusClient(connectionString);
  const folder = await writeApp({ 'index.js': app, 'host.json': JSON.stringify(hostJson) });
  host = await startHostProcess(folder, { settings: { BUS: connectionString } });
});
afterEach(async () => {
  await client.close();
  await stopHosts();
  await emulator?.close();
});

const count = (text: string): number => host.output().split(text).length - 1;

it('gives the messages of a session whose lock is lost half way to its next holder, and says so', async () => {
  const messages = ['first', 'second'].map((id) => ({ messageId: id, sessionId: 's', body: { id } }));
  await client.createSender('steps').sendMessages(messages);
  await host.waitFor(/begin first at delivery 1/);
  await host.waitFor(
    /The Service Bus trigger of 'onStep' .*has lost session 's' \(.*: its messages come again/,
    20_000,
  );
  await host.waitFor(/begin first at delivery 2/, 20_000);
  await host.waitFor(/has handled message 'first', but it comes again: its lock was lost/, 20_000);
  await host.waitFor(/end second at delivery/, 20_000);
  expect(host.output().indexOf('begin second')).toBeGreaterThan(host.output().indexOf('end first at delivery 2'));
  expect(count('apply first')).toBe(1);
  expect(count('apply second')).toBe(1);
  const { broker } = emulator!;
  await until(() => broker.getQueue('steps')?.counts.total === 0);
  expect(broker.getQueue('steps')?.counts.deadLetter).toBe(0);
}, 60_000);
