import { createLedger, createOutbox } from 'durable-saga/postgres';
import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import { createPostgresOrders } from '../../src/adapters/postgres-orders';
import { balanceBooks, listOrders } from '../support/balance-books';
import { createBank } from '../support/bank';
import { generateShop } from '../support/generated-shop';
import { findHostProcess, killOutright } from '../support/kill-processes';
import { createOrderClient } from '../support/order-client';
import { freePorts, localSettings, runTimer, startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { sampleOrder } from '../support/sample-orders';
import { openImports } from '../support/upload-imports';

/*
 * Two apps on one database, one Service Bus and one storage account, each with a task hub of its own: the old version and the
 * new one of a roll-out, as far as their sagas go. What comes to one must reach the sagas of both.
 */

let blue: RunningApp;
let green: RunningApp;
let database: Database;
let onBlue: ReturnType<typeof createOrderClient>;
let onGreen: ReturnType<typeof createOrderClient>;

const dear = { customerId: 'ALFKI', email: 'maria@example.com', paymentMethod: 'pm_card_visa' };
const lines = [{ sku: 'coffee', quantity: 2 }];

beforeAll(async () => {
  const ports = await freePorts(9);
  const { CARRIER_CALLBACK_URL: _, ...shared } = localSettings(undefined, ports);
  const hubs = (shared['DATABASE_URL'] ?? '').replace(/orders$/, 'hubs');
  const start = (env: Record<string, string>) =>
    startApp({
      env: { ...shared, APPROVAL_THRESHOLD: '30.00', ...env },
      args: ['--task-hub', hubs],
      readyWithinMs: 120_000,
    });
  const hubName = 'AzureFunctionsJobHost__extensions__durableTask__hubName';
  blue = await start({
    [hubName]: 'Blue',
    OTHER_TASK_HUB: 'Green',
    START_GRACE: '20 seconds',
    // So that each decision of a bank comes to green.
    'AzureWebJobs.takePaymentEvent.Disabled': 'true',
  });
  green = await start({
    [hubName]: 'Green',
    OTHER_TASK_HUB: 'Blue',
    START_GRACE: '1 second',
    // What the carrier collects for green it tells blue.
    CARRIER_CALLBACK_URL: `${blue.url}/api/returns/{returnId}/collected`,
  });
  database = connectDatabase({ url: shared['DATABASE_URL'] ?? '', poolSize: 2 });
  onBlue = createOrderClient(blue);
  onGreen = createOrderClient(green);
}, 240_000);
afterAll(async () => {
  // Undefined when they didn't start, whatever their types say.
  await (database as Database | undefined)?.close();
  expect(await (green as RunningApp | undefined)?.stop()).toBe(0);
  expect(await (blue as RunningApp | undefined)?.stop()).toBe(0);
}, 120_000);

async function hubOf(table: 'orders' | 'returns', id: string): Promise<string | null | undefined> {
  const { rows } = await database.query<{ task_hub: string | null }>(`select task_hub from ${table} where id = $1`, [
    id,
  ]);
  return rows[0]?.task_hub;
}

/** An order that was placed on blue and waits for approval there. */
async function waitingOnBlue(orderId: string): Promise<string> {
  expect(await onBlue.place({ ...dear, orderId, lines })).toMatchObject({ status: 202 });
  await onBlue.follow(orderId, 'awaitingApproval');
  expect(await hubOf('orders', orderId)).toBe('Blue');
  return orderId;
}

const approved = { approved: true, by: 'ann' };

describe('an order of the one app', () => {
  it('is shown and approved through the other, which holds no order of it', async () => {
    const id = await waitingOnBlue('approved');
    const shown = await onGreen.show(id);
    expect(shown).toMatchObject({ status: 'awaitingApproval', waitingFor: { event: 'approval' } });
    expect(shown.steps.length).toBeGreaterThan(0);
    expect((await onBlue.call('GET', 'task-hub')).body).toEqual({
      taskHub: 'Blue',
      otherTaskHub: 'Green',
      unfinished: { orders: 1, returns: 0, imports: 0 },
      drained: false,
    });
    expect((await onGreen.call('GET', 'task-hub')).body).toMatchObject({ taskHub: 'Green', drained: true });
    expect(await onGreen.call('POST', `orders/${id}/approval`, approved)).toMatchObject({ status: 202 });
    expect(await onGreen.follow(id)).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
  });

  it('is cancelled through the other', async () => {
    const id = await waitingOnBlue('cancelled');
    expect(await onGreen.call('POST', `orders/${id}/cancel`, { reason: 'too late' })).toMatchObject({ status: 202 });
    expect(await onGreen.follow(id)).toMatchObject({ status: 'compensated' });
    expect(await onGreen.call('POST', `orders/${id}/cancel`)).toMatchObject({ status: 409 });
  });

  it('is placed again on the other, and stays one', async () => {
    const id = await waitingOnBlue('repeated');
    expect(await onGreen.place({ ...dear, orderId: id, lines })).toMatchObject({ status: 202 });
    expect(await hubOf('orders', id)).toBe('Blue');
    expect(await onGreen.call('POST', `orders/${id}/approval`, approved)).toMatchObject({ status: 202 });
    await onBlue.follow(id);
    expect(await onBlue.shipments(id)).toHaveLength(1);
    expect(await onBlue.payments(id)).toMatchObject([{ received: 3_780 }]);
  });

  it('hears of its bank through the other', async () => {
    const order = { ...dear, orderId: 'slow', lines: [{ sku: 'coffee', quantity: 1 }], paymentMethod: 'pm_processing' };
    await onBlue.place(order);
    await until('it waits for the bank', 30_000, async () =>
      (await onGreen.show('slow')).waitingFor?.event === 'paymentDecided' ? true : undefined,
    );
    await createBank(blue.settings['PAYMENT_PROVIDER_URL'] ?? '').decide('slow', { authorised: true });
    expect(await onGreen.follow('slow')).toMatchObject({ status: 'completed' });
  });

  it('is approved through the other while its own app is killed', async () => {
    const id = await waitingOnBlue('killed');
    const host = await until('blue has a host', 30_000, () => findHostProcess(blue));
    expect(killOutright(host)).toBe(true);
    expect((await onGreen.call('GET', `orders/${id}`)).status).toBe(200);
    const answers: number[] = [];
    await until('the approval is taken', 60_000, async () => {
      const { status } = await onGreen.call('POST', `orders/${id}/approval`, approved);
      answers.push(status);
      return status === 202 ? true : undefined;
    });
    // Nobody works on the hub for a while: that is no fault of ours, and may be tried again.
    expect(answers.filter((status) => ![202, 503].includes(status))).toEqual([]);
    expect(await onGreen.follow(id, 'the end', 60_000)).toMatchObject({ status: 'completed' });
    await until('blue answers again', 60_000, async () =>
      onBlue.show(id).then(
        () => true as const,
        () => undefined,
      ),
    );
    expect(await onBlue.shipments(id)).toHaveLength(1);
  }, 180_000);

  it('from before rows knew their hub is found, whichever hub it is in', async () => {
    const id = await waitingOnBlue('upgraded');
    await database.query(`update orders set task_hub = null where id = $1`, [id]);
    expect((await onGreen.show(id)).steps.length).toBeGreaterThan(0);
    expect(await onGreen.call('POST', `orders/${id}/approval`, approved)).toMatchObject({ status: 202 });
    expect(await onGreen.follow(id)).toMatchObject({ status: 'completed' });
  });

  it('of a hub that nobody knows is shown by its row, and refused until somebody does', async () => {
    const id = await waitingOnBlue('foreign');
    await database.query(`update orders set task_hub = 'Purple' where id = $1`, [id]);
    expect(await onGreen.show(id)).toMatchObject({ status: 'awaitingApproval', steps: [] });
    expect(await onGreen.call('POST', `orders/${id}/approval`, approved)).toMatchObject({
      status: 503,
      body: { detail: `"Purple" is the task hub of ${id}, which is unknown to this app: it knows "Green" and "Blue".` },
    });
    await database.query(`update orders set task_hub = 'Blue' where id = $1`, [id]);
    expect(await onGreen.call('POST', `orders/${id}/cancel`)).toMatchObject({ status: 202 });
    expect(await onGreen.follow(id)).toMatchObject({ status: 'compensated' });
  });
});

describe('an order whose start was lost', () => {
  it('is started by its own app, and one that has no hub by whoever finds it', async () => {
    const clock = { now: () => new Date() };
    const outbox = createOutbox({ clock: clock.now });
    const ledger = createLedger({ clock: clock.now });
    const orders = createPostgresOrders(
      database,
      ledger,
      clock,
      createOrderEvents(outbox, () => {}),
    );
    const coffee = sampleOrder('lost');
    const accept = (id: string, hub?: string) => {
      const order = { ...coffee, id: sampleOrder(id).id, bodyHash: id };
      return orders.accept(
        { ...order, lines: order.lines.map((line) => ({ ...line, sku: 'coffee' as typeof line.sku })) },
        hub,
      );
    };
    await accept('lost-of-blue', 'Blue');
    await accept('lost-of-none');
    await until('green sees them as lost', 10_000, async () => {
      await runTimer(green, 'startLostOrders');
      return (await hubOf('orders', 'lost-of-none')) === null ? undefined : true;
    });
    expect(await hubOf('orders', 'lost-of-none')).toBe('Green');
    const { body } = await onGreen.call('GET', 'orders/lost-of-blue');
    expect(body).toMatchObject({ status: 'accepted' });
    expect((await onBlue.call('GET', 'task-hub')).body).toMatchObject({ unfinished: { orders: 1 }, drained: false });
    expect(await onGreen.call('POST', 'orders/lost-of-blue/cancel')).toMatchObject({ status: 503 });
    await until('blue has started it', 60_000, async () => {
      await runTimer(blue, 'startLostOrders');
      const found = await onGreen.show('lost-of-blue');
      return found.status === 'accepted' ? undefined : true;
    });
    for (const id of ['lost-of-blue', 'lost-of-none']) {
      expect(await onGreen.follow(id)).toMatchObject({ status: 'completed' });
      expect(await onBlue.shipments(id)).toHaveLength(1);
    }
    expect(await hubOf('orders', 'lost-of-blue')).toBe('Blue');
  }, 120_000);
});

describe('a return', () => {
  it("is its own app's, whichever the order's is, and hears of the carrier through either", async () => {
    const order = { ...dear, orderId: 'bought', lines: [{ sku: 'coffee', quantity: 1 }] };
    await onBlue.place(order);
    await onBlue.follow('bought');
    for (const [client, hub, id] of [
      [onBlue, 'Blue', 'bought.one'],
      [onGreen, 'Green', 'bought.two'],
    ] as const) {
      const one = { returnId: id, lines: [{ sku: 'coffee', quantity: 1 }] };
      const started = await client.startReturn('bought', one);
      expect(started.status).toBe(202);
      expect(await hubOf('returns', id)).toBe(hub);
      await onGreen.followReturn(id, 'awaitingPickUp');
      if (hub === 'Blue') {
        expect(await onGreen.call('POST', `returns/${id}/cancel`)).toMatchObject({ status: 202 });
        expect(await onGreen.followReturn(id)).toMatchObject({ status: 'compensated' });
      } else {
        await onBlue.collect(id);
        expect(await onBlue.followReturn(id)).toMatchObject({ status: 'completed' });
      }
    }
  });
});

describe('an uploaded file that both apps see', () => {
  it('is imported by one of them, and the books balance', async () => {
    const shop = generateShop({ seed: 3, orders: 20, prefix: 'th-' });
    const imports = openImports(blue);
    await imports.upload('products/th', shop.productsCsv);
    await imports.report('products/th');
    await imports.upload('orders/th', shop.ordersCsv);
    expect((await imports.report('orders/th')).orders).toEqual({ accepted: 20, repeated: 0, rejected: 0 });
    const lineOf = (app: RunningApp, what: RegExp) => app.output().match(what)?.length ?? 0;
    for (const kind of ['products', 'orders']) {
      await until(`both have seen the file of ${kind}`, 60_000, () => {
        const left = [blue, green].map((app) => lineOf(app, new RegExp(`import:${kind}-th:\\w+ is imported by`, 'g')));
        return left.some((count) => count > 0) ? true : undefined;
      });
      const started = [blue, green].map((app) => lineOf(app, new RegExp(`started import:${kind}-th:`, 'g')));
      expect(started.sort()).toEqual([0, 1]);
    }
    await until('all orders have ended', 120_000, async () => {
      for (const { orderId, status } of await listOrders(green, 'th-')) {
        if (status === 'awaitingApproval') await onGreen.call('POST', `orders/${orderId}/approval`, approved);
      }
      const ended = (await listOrders(green, 'th-')).filter(({ status }) => status.startsWith('comp'));
      return ended.length === 20 ? true : undefined;
    });
    const { counts, discrepancies } = await balanceBooks(green, shop, 'th-');
    expect(discrepancies).toEqual([]);
    expect(counts['completed']).toBeGreaterThan(0);
  }, 240_000);

  it('leaves both apps drained in the end', async () => {
    for (const client of [onBlue, onGreen]) {
      await until('it is drained', 30_000, async () => {
        const { body } = await client.call('GET', 'task-hub');
        return (body as { drained: boolean }).drained ? true : undefined;
      });
    }
  });
});
