import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { ServiceBusClient } from '@azure/service-bus';
import type { ServiceBusMessage } from '@azure/service-bus';
import { createOrderClient } from '../support/order-client';
import { startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';

/** Dead letters through the whole app: real queues and topics, the database, the mail server and the command line. */
const script = path.join(__dirname, '../../dist/scripts/dead-letters.js');
let app: RunningApp;
let bus: ServiceBusClient;
let client: ReturnType<typeof createOrderClient>;

beforeAll(async () => {
  app = await startApp({ readyWithinMs: 120_000 });
  bus = new ServiceBusClient(app.settings['ServiceBusConnection']!);
  client = createOrderClient(app);
}, 150_000);
afterAll(async () => {
  // Undefined where the start before it failed, whatever their types say.
  await (bus as ServiceBusClient | undefined)?.close();
  const running = app as RunningApp | undefined;
  expect(await running?.stop()).toBe(0);
}, 90_000);

interface Letter {
  readonly id: string;
  readonly entity: string;
  readonly reason: string;
  readonly status: string;
}

async function send(address: string, message: ServiceBusMessage): Promise<void> {
  const sender = bus.createSender(address);
  await sender.sendMessages(message);
  await sender.close();
}

async function run(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args, '--url', app.url, '--by', 'Ann']);
  return stdout;
}
const list = async (...args: string[]) => JSON.parse(await run('list', '--json', ...args)) as Letter[];

const findOne = async (...args: string[]): Promise<Letter> =>
  until(`there is a dead letter of ${args.join(' ')}`, 60_000, async () => (await list(...args))[0]);

/** Runs a timer's function now; resolves when the host says that it has succeeded. */
async function runTimer(name: string): Promise<void> {
  const runs = () => app.output().split(`Executed 'Functions.${name}' (Succeeded`).length;
  const before = runs();
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"input":""}' };
  expect((await fetch(`${app.url}/admin/functions/${name}`, init)).status).toBe(202);
  await until(`${name} has succeeded`, 30_000, () => (runs() > before ? true : undefined));
}

const order = (orderId: string) => ({
  orderId,
  customerId: 'ALFKI',
  email: 'maria@example.com',
  lines: [{ sku: 'coffee', quantity: 2 }],
  paymentMethod: 'pm_card_visa',
});

describe('a message that is no order', () => {
  it('is kept with its reason, told of in one mail, and becomes an order when it is mended and redriven', async () => {
    const { lines: _, ...wrong } = order('mended');
    for (const messageId of ['m-1', 'm-2', 'm-3']) {
      await send('orders', {
        messageId,
        body: wrong,
        contentType: 'application/json',
        applicationProperties: { From: 'shop' },
      });
    }
    await until('all three are dead letters', 60_000, async () =>
      (await list('--entity', 'orders')).length === 3 ? true : undefined,
    );
    const letters = await list('--reason', 'invalid_message', '--team', 'senders', '--status', 'open');
    expect(letters).toHaveLength(3);
    await runTimer('tellDeadLetters');
    await runTimer('tellDeadLetters');
    const mails = (await client.mails('ops@example.com')).filter(({ subject }) => subject.includes('dead letter'));
    expect(mails.map(({ subject }) => subject)).toEqual(['3 dead letters: invalid_message (orders)']);

    const { id } = letters[0]!;
    const shown = await run('show', id);
    expect(shown).toContain('lines: expected a list of 1 to 100 lines, got nothing');
    expect(shown).toContain('"From": "shop"');
    await expect(run('edit', id, '--body', JSON.stringify({ ...wrong, lines: [] }))).rejects.toMatchObject({ code: 1 });
    await run('edit', id, '--body', JSON.stringify(order('mended')));
    expect(await run('redrive', id, '--dry-run')).toContain(`would be sent to orders as ${id}/1`);
    await run('redrive', id);
    await client.appears('mended');
    expect(await client.follow('mended')).toMatchObject({ status: 'completed', source: 'queue' });
    const after = await run('show', id);
    expect(after).toMatch(/edited by Ann: body[^]*redriving by Ann[^]*redriven by Ann: dl-[0-9a-f]+\/1 to orders/);
    await expect(run('redrive', id)).rejects.toMatchObject({ code: 1 });
  }, 180_000);

  it('comes back as another dead letter when it is redriven as it was', async () => {
    await run('redrive', '--reason', 'invalid_message', '--per-second', '50');
    const back = await until('both are back', 60_000, async () => {
      const open = await list('--reason', 'invalid_message', '--status', 'open');
      return open.length === 2 ? open : undefined;
    });
    expect(await run('show', back[0]!.id)).toMatch(/"originalMessageId": "m-[123]"/);
    await run('discard', ...back.map(({ id }) => id));
    expect(await list('--reason', 'invalid_message', '--status', 'open')).toEqual([]);
  }, 120_000);
});

describe('an order that another one has the id of', () => {
  it("is its sender's business", async () => {
    await send('orders', { messageId: 'first', body: order('taken') });
    await client.appears('taken');
    await client.follow('taken');
    await send('orders', { messageId: 'other', body: { ...order('taken'), customerId: 'BONAP' } });
    expect(await findOne('--reason', 'order_conflict')).toMatchObject({ entity: 'orders', team: 'senders' });
  }, 120_000);
});

describe('an event that a reader can not read', () => {
  it('is redriven to that reader alone', async () => {
    const event = {
      ...{ type: 'order.compensated', id: 'mended/compensated', schemaVersion: 1, at: '2026-01-05T10:00:00.000Z' },
      ...{
        orderId: 'mended',
        customerId: 'ALFKI',
        currency: 'usd',
        total: 3_780,
        lines: [{ sku: 'coffee', quantity: 2 }],
      },
    };
    const message = { messageId: event.id, sessionId: 'mended', subject: event.type };
    await send('order-events', { ...message, body: { ...event, total: 'much' } });
    const mail = await findOne('--entity', 'order-events/Subscriptions/e-mail');
    const analytics = await findOne('--entity', 'order-events/Subscriptions/analytics');
    expect([mail.reason, analytics.reason]).toEqual(['invalid_message', 'invalid_message']);
    await run('edit', mail.id, '--body', JSON.stringify(event));
    await run('redrive', mail.id);
    await until('the customer is told', 60_000, async () => {
      const mails = await client.mails('maria@example.com');
      return mails.some(({ subject }) => subject === 'Your order mended could not be carried out') ? true : undefined;
    });
    expect(await list('--entity', 'order-events/Subscriptions/analytics')).toMatchObject([
      { id: analytics.id, status: 'open' },
    ]);
  }, 120_000);
});
