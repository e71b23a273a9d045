import { createLedger, createOutbox } from 'durable-saga/postgres';
import { Client } from 'pg';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import { createPostgresCatalogue } from '../../src/adapters/postgres-catalogue';
import { connectDatabase } from '../../src/adapters/postgres-database';
import { createPostgresOrders } from '../../src/adapters/postgres-orders';
import { skuSchema } from '../../src/domain/ids';
import { createBank } from '../support/bank';
import { createOrderClient } from '../support/order-client';
import type { HttpAnswer } from '../support/order-client';
import { startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { sampleOrder } from '../support/sample-orders';

/** The whole app on its real parts: host, databases, storage, and the stand-ins for who we do business with. */
let app: RunningApp;
let client: ReturnType<typeof createOrderClient>;

beforeAll(async () => {
  app = await startApp({
    env: { APPROVAL_THRESHOLD: '1000.00', APPROVAL_TIMEOUT: '1 hour' },
  });
  client = createOrderClient(app);
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  const running = app as RunningApp | undefined;
  expect(await running?.stop()).toBe(0);
}, 60_000);

const body = (changes: object = {}) => ({
  customerId: 'ALFKI',
  lines: [{ sku: 'coffee', quantity: 2 }],
  paymentMethod: 'pm_card_visa',
  ...changes,
});

function expectProblem(answer: HttpAnswer, status: number, code: string): void {
  expect(answer).toMatchObject({ status, contentType: 'application/problem+json', body: { status, code } });
}

describe('an order', () => {
  it('ends completed, with its row, mail, payment and shipment', async () => {
    const email = 'maria@example.com';
    const stock = (await client.stock('coffee')) ?? 0;
    const placed = await client.place(body({ orderId: 'whole', email }));
    expect(placed).toMatchObject({
      status: 202,
      location: '/api/orders/whole',
      body: { orderId: 'whole', statusUrl: `${app.url}/api/orders/whole` },
    });
    const order = await client.follow('whole');
    expect(order).toMatchObject({ status: 'completed', total: 3_780, payment: { state: 'captured', amount: 3_780 } });
    expect(order.steps.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'reserveStock done',
      'authorisePayment done',
      'capturePayment done',
      'bookShipment done',
      'confirmOrder done',
      'settleOrder done',
    ]);
    expect(await client.stock('coffee')).toBe(stock - 2);
    expect(await client.payments('whole')).toMatchObject([{ status: 'succeeded', amount: 3_780, received: 3_780 }]);
    const shipments = await client.shipments('whole');
    expect(shipments).toMatchObject([{ shipmentId: order.shipment?.shipmentId }]);
    const mails = await client.mails(email);
    expect(mails).toHaveLength(1);
    expect(mails[0]?.text).toContain(order.tracking);

    const database = new Client({ connectionString: app.settings['DATABASE_URL'] });
    await database.connect();
    const { rows } = await database.query(
      `select o.status, o.total, p.state as payment, s.state as shipment, s.tracking
       from orders o join payments p on p.order_id = o.id join shipments s on s.order_id = o.id where o.id = 'whole'`,
    );
    await database.end();
    expect(rows).toEqual([
      { status: 'completed', total: '3780', payment: 'captured', shipment: 'booked', tracking: order.tracking },
    ]);
  });

  it('is one saga however often the same request comes, and a conflict when another comes under its id', async () => {
    const requests = Array.from({ length: 5 }, () => client.place(body({ orderId: 'again' })));
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([202, 202, 202, 202, 202]);
    expect(await client.follow('again')).toMatchObject({ status: 'completed' });
    expect((await client.place(body({ orderId: 'again' }))).status).toBe(202);
    expectProblem(await client.place(body({ orderId: 'again', customerId: 'BONAP' })), 409, 'orderConflict');
    expect(await client.payments('again')).toHaveLength(1);
    expect(await client.shipments('again')).toHaveLength(1);
  });

  it('gives its stock back when the card is declined', async () => {
    const stock = await client.stock('coffee');
    await client.place(body({ orderId: 'declined', paymentMethod: 'pm_card_declined' }));
    expect(await client.follow('declined')).toMatchObject({
      status: 'compensated',
      reason: { code: 'paymentDeclined' },
    });
    expect(await client.stock('coffee')).toBe(stock);
    expect(await client.shipments('declined')).toEqual([]);
  });

  it('waits for a bank that takes its time, and goes on when the provider tells its decision', async () => {
    await client.place(body({ orderId: 'slow', paymentMethod: 'pm_processing' }));
    const waiting = await until('the order waits for the bank', 20_000, async () => {
      const order = await client.show('slow');
      return order.waitingFor === undefined ? undefined : order;
    });
    expect(waiting).toMatchObject({
      status: 'running',
      payment: { state: 'processing' },
      waitingFor: { event: 'paymentDecided' },
    });
    await createBank(app.settings['PAYMENT_PROVIDER_URL']!).decide('slow', { authorised: true });
    expect(await client.follow('slow')).toMatchObject({ status: 'completed', payment: { state: 'captured' } });
  });

  it('gives stock and money back when the bank refuses the capture', async () => {
    const stock = await client.stock('coffee');
    await client.place(body({ orderId: 'refused', paymentMethod: 'pm_capture_declined' }));
    expect(await client.follow('refused')).toMatchObject({
      status: 'compensated',
      reason: { code: 'captureRefused' },
      payment: { state: 'cancelled' },
    });
    expect(await client.stock('coffee')).toBe(stock);
    expect(await client.payments('refused')).toMatchObject([{ status: 'canceled', received: 0 }]);
  });

  it('takes nothing when one of its products is short', async () => {
    const stock = await client.stock('mug');
    const lines = [
      { sku: 'mug', quantity: 3 },
      { sku: 'espresso-machine', quantity: 6 },
    ];
    await client.place(body({ orderId: 'short', lines }));
    expect(await client.follow('short')).toMatchObject({ status: 'compensated', reason: { code: 'outOfStock' } });
    expect(await client.stock('mug')).toBe(stock);
    expect(await client.payments('short')).toEqual([]);
  });
});

describe('an order above the threshold', () => {
  const dear = { lines: [{ sku: 'espresso-machine', quantity: 1 }] };

  it('goes on when it is approved', async () => {
    await client.place(body({ orderId: 'approved', ...dear }));
    expect(await client.follow('approved', 'awaitingApproval')).toMatchObject({ status: 'awaitingApproval' });
    expect((await client.call('POST', 'orders/approved/approval', { approved: true, by: 'Ann' })).status).toBe(202);
    expect(await client.follow('approved')).toMatchObject({
      status: 'completed',
      reason: { message: 'approved by Ann' },
    });
    expectProblem(
      await client.call('POST', 'orders/approved/approval', { approved: true, by: 'Ann' }),
      409,
      'notAllowed',
    );
    expectProblem(await client.call('POST', 'orders/approved/cancel'), 409, 'notAllowed');
  });

  it('is undone when it is refused', async () => {
    const stock = await client.stock('espresso-machine');
    await client.place(body({ orderId: 'unwanted', ...dear }));
    await client.follow('unwanted', 'awaitingApproval');
    await client.call('POST', 'orders/unwanted/approval', { approved: false, by: 'Bob' });
    expect(await client.follow('unwanted')).toMatchObject({
      status: 'compensated',
      reason: { code: 'approvalRefused' },
    });
    expect(await client.stock('espresso-machine')).toBe(stock);
  });

  it('is undone when it is cancelled', async () => {
    const stock = await client.stock('espresso-machine');
    await client.place(body({ orderId: 'cancelled', ...dear }));
    await client.follow('cancelled', 'awaitingApproval');
    expect((await client.call('POST', 'orders/cancelled/cancel', { reason: 'changed my mind' })).status).toBe(202);
    expect(await client.follow('cancelled')).toMatchObject({ status: 'compensated', reason: { code: 'cancelled' } });
    expect(await client.stock('espresso-machine')).toBe(stock);
  });
});

describe('the routes for operators', () => {
  it('show, list and cancel sagas', async () => {
    const lines = [{ sku: 'espresso-machine', quantity: 1 }];
    await client.place(body({ orderId: 'steered', customerId: 'STEERED', lines }));
    await client.follow('steered', 'awaitingApproval');
    const { body: waiting } = await client.call('GET', 'sagas?saga=placeOrder&state=waiting');
    expect((waiting as { instances: { id: string }[] }).instances.map(({ id }) => id)).toContain('steered');
    expectProblem(await client.call('POST', 'sagas/placeOrder/steered/resolve', { action: 'retry' }), 409, 'notParked');
    expectProblem(await client.call('GET', 'sagas/importOrders/steered'), 404, 'unknown');
    expect(await client.call('POST', 'sagas/placeOrder/steered/cancel', { reason: 'by an operator' })).toMatchObject({
      status: 202,
      body: { accepted: true, confirmed: true },
    });
    expect(await client.follow('steered')).toMatchObject({ status: 'compensated', reason: { code: 'cancelled' } });
    const shown = await client.call('GET', 'sagas/placeOrder/steered');
    expect(shown).toMatchObject({
      status: 200,
      body: { state: 'compensated', failure: { message: 'by an operator' } },
    });
  });
});

describe('an order whose payment is being authorised', () => {
  it('is undone when it is cancelled meanwhile', async () => {
    const stock = await client.stock('coffee');
    await client.place(body({ orderId: 'hasty', paymentMethod: 'pm_stall_3000' }));
    await until('the authorisation is under way', 10_000, async () => {
      const { body: order } = await client.call('GET', 'orders/hasty');
      const { steps = [] } = order as { steps?: { name: string; state: string }[] };
      return steps.some(({ name, state }) => name === 'authorisePayment' && state === 'running') ? true : undefined;
    });
    expect((await client.call('POST', 'orders/hasty/cancel', { reason: 'too slow' })).status).toBe(202);
    expect(await client.follow('hasty')).toMatchObject({ status: 'compensated', reason: { code: 'cancelled' } });
    expect(await client.stock('coffee')).toBe(stock);
    expect(await client.payments('hasty')).toMatchObject([{ status: 'canceled', received: 0 }]);
  });
});

describe('what can not be understood', () => {
  it('is answered with every violation', async () => {
    const answer = await client.place({ orderId: '-', lines: [{ sku: 'tea', quantity: 0 }] });
    expectProblem(answer, 400, 'invalidRequest');
    const { violations } = answer.body as { violations: { path: string }[] };
    expect(violations.map(({ path }) => path)).toEqual([
      'orderId',
      'customerId',
      'lines[0].quantity',
      'paymentMethod',
      'lines[0].sku',
    ]);
    expectProblem(await client.place('{"customerId":'), 400, 'invalidRequest');
    expectProblem(await client.place(body({ lines: [{ sku: 'nothing', quantity: 1 }] })), 400, 'invalidRequest');
    expectProblem(await client.place(JSON.stringify(body()).padEnd(1_000_001)), 413, 'bodyTooLarge');
  });

  it('is told not to exist where it does not', async () => {
    expectProblem(await client.call('GET', 'orders/nobody'), 404, 'unknownOrder');
    expectProblem(await client.call('POST', 'orders/nobody/cancel'), 404, 'unknownOrder');
    expectProblem(
      await client.call('POST', 'orders/nobody/approval', { approved: true, by: 'Ann' }),
      404,
      'unknownOrder',
    );
    expectProblem(await client.call('GET', 'no/such/route'), 404, 'unknownRoute');
    expectProblem(await client.call('DELETE', 'orders'), 404, 'unknownRoute');
  });
});

describe('a start that was lost', () => {
  it('is made up for by the sweep', async () => {
    const database = connectDatabase({ url: app.settings['DATABASE_URL'] ?? '', poolSize: 1 });
    const longAgo = { now: () => new Date(Date.now() - 3_600_000) };
    const ledger = createLedger({ clock: longAgo.now });
    const [coffee] = [
      ...(await createPostgresCatalogue(database, ledger, longAgo).find([skuSchema.parse('coffee')])).values(),
    ];
    await createPostgresOrders(
      database,
      ledger,
      longAgo,
      createOrderEvents(createOutbox({ clock: longAgo.now }), () => {}),
    ).accept(sampleOrder('lost', [[coffee!, 1]]));
    await database.close();
    expect(await client.show('lost')).toMatchObject({ status: 'accepted', steps: [] });
    const sweep = await fetch(`${app.url}/admin/functions/startLostOrders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: '' }),
    });
    expect(sweep.status).toBe(202);
    expect(await client.follow('lost')).toMatchObject({ status: 'completed' });
  });
});

describe('partners that fail every few requests, before or after their effect', () => {
  const setFaults = (setting: string, faults: object) =>
    fetch(`${app.settings[setting]}/_faults`, { method: 'POST', body: JSON.stringify(faults) });
  const everyFew = { failBefore: 5, failAfter: 7 };
  const never = { failBefore: 0, failAfter: 0 };

  beforeAll(async () => {
    for (const partner of ['PAYMENT_PROVIDER_URL', 'CARRIER_URL']) {
      expect((await setFaults(partner, everyFew)).status).toBe(200);
    }
  });
  afterAll(() => Promise.all(['PAYMENT_PROVIDER_URL', 'CARRIER_URL'].map((partner) => setFaults(partner, never))));

  it('neither lose nor double anything', async () => {
    const stock = (await client.stock('green-tea')) ?? 0;
    const ids = Array.from({ length: 20 }, (_, n) => `faulty-${n}`);
    const lines = [{ sku: 'green-tea', quantity: 3 }];
    // Every fifth is one that must be given back.
    const methodOf = (n: number) => (n % 5 === 0 ? 'pm_capture_declined' : 'pm_card_visa');
    await Promise.all(
      ids.map((orderId, n) =>
        client.place({
          orderId,
          customerId: 'FAULTS',
          email: `${orderId}@example.com`,
          lines,
          paymentMethod: methodOf(n),
        }),
      ),
    );
    for (const [n, id] of ids.entries()) {
      const isRefused = n % 5 === 0;
      expect((await client.follow(id, 'the end', 60_000)).status).toBe(isRefused ? 'compensated' : 'completed');
      expect(await client.payments(id)).toMatchObject([
        isRefused ? { status: 'canceled', received: 0 } : { status: 'succeeded', received: 1_350 },
      ]);
      expect(await client.shipments(id)).toHaveLength(isRefused ? 0 : 1);
      // The confirmation is a step of the saga; the other one comes by an event.
      const mails = await until(`a mail about ${id}`, 30_000, async () => {
        const sent = await client.mails(`${id}@example.com`);
        return sent.length > 0 ? sent : undefined;
      });
      expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(1);
      expect(mails[0]!.subject).toContain(isRefused ? 'could not be carried out' : 'is on its way');
    }
    expect(await client.stock('green-tea')).toBe(stock - 16 * 3);
  }, 120_000);
});

describe('the list of orders', () => {
  it('leads through all of them, page by page', async () => {
    const ids: string[] = [];
    for (let path: string | undefined = 'orders?customer=ALFKI&limit=3'; path !== undefined;) {
      const { body: page } = await client.call('GET', path);
      const { orders, next } = page as { orders: { orderId: string }[]; next?: string };
      ids.push(...orders.map(({ orderId }) => orderId));
      path = next?.slice('/api/'.length);
    }
    expect(new Set(ids)).toEqual(
      new Set([
        'whole',
        'again',
        'declined',
        'refused',
        'short',
        'approved',
        'unwanted',
        'cancelled',
        'hasty',
        'lost',
        'slow',
      ]),
    );
    expect(ids).toHaveLength(11);
    const { body: completed } = await client.call('GET', 'orders?status=completed');
    expect((completed as { orders: unknown[] }).orders).toHaveLength(21);
  });
});
