import { randomUUID } from 'node:crypto';
import { replaceable } from '../../../scripts/deploy/replaceable';
import { smoke } from '../../../scripts/deploy/smoke';
import { smokeProduct } from '../../../scripts/deploy/smoke-product';
import { customerIdSchema, skuSchema } from '../../../src/domain/ids';
import type { NewOrder } from '../../../src/domain/order';
import { runStep, startAnswering } from '../../support/deploy-steps';
import type { Answer, AnsweringApp } from '../../support/deploy-steps';
import { createPostgresShop, startOrdersDatabase } from '../../support/orders-database';
import type { OrdersDatabase } from '../../support/orders-database';
import { sampleOrder, sampleReturn, tea } from '../../support/sample-orders';

/** Whether the app beside may get another version, over real rows and apps that answer, hang or are gone; and how smoke orders end. */

let shop: OrdersDatabase;
let apps: AnsweringApp[] = [];
beforeAll(async () => (shop = await startOrdersDatabase()));
afterAll(() => shop.stop());
beforeEach(async () => {
  await shop.clear();
  await runStep(smokeProduct, [], { DATABASE_URL: shop.url });
  await createPostgresShop(shop).catalogue.put('test', [tea]);
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.stop()));
  apps = [];
});

async function start(answer: (request: string, body: unknown) => Answer): Promise<AnsweringApp> {
  const app = await startAnswering(answer);
  apps.push(app);
  return app;
}

const INSTANCES = '/runtime/webhooks/durabletask/instances';

/** An app with these instances in its hub Green; the one that leads says the same of it, of its own that it has a thousand. */
async function startApp(instances: readonly string[], isLeader = false): Promise<AnsweringApp> {
  return start((request) => {
    if (request === 'GET /api/task-hub') return [200, { taskHub: isLeader ? 'Blue' : 'Green' }];
    if (!request.startsWith(`GET ${INSTANCES}?`)) return [404, ''];
    const isOfHub = !isLeader || request.includes('taskHub=Green');
    const ids = isOfHub ? instances : Array.from({ length: 50 }, (_, index) => `own-${index}`);
    return [200, ids.map((instanceId) => ({ instanceId, name: 'placeOrder', runtimeStatus: 'Running' }))];
  });
}

/** An app whose host is gone: nothing listens at its address. */
async function startGone(): Promise<AnsweringApp> {
  const app = await start(() => [200, []]);
  await app.stop();
  return app;
}

/** An app that says nothing of itself, without the pauses in which one that is gone is asked again. */
const startBroken = (): Promise<AnsweringApp> => start(() => [500, '']);

async function look(app: AnsweringApp, leader: AnsweringApp, ...args: string[]): Promise<string> {
  const place = ['--url', app.url, '--leader', leader.url, '--hub', 'Green'];
  return (await runStep(replaceable, [...place, ...args], { DATABASE_URL: shop.url })).join('\n');
}

const accept = (order: NewOrder, hub: string | undefined) => createPostgresShop(shop).orders.accept(order, hub);

/** An order as the smoke saga places it, but for what is said otherwise. */
function smokeOrder({ id = `smoke-${randomUUID()}`, customer = 'SMOKE-TEST', sku = 'smoke-test' } = {}): NewOrder {
  const { lines, ...order } = sampleOrder(id);
  const { email: _, ...rest } = order;
  return {
    ...rest,
    customerId: customerIdSchema.parse(customer),
    lines: lines.map((line) => ({ ...line, sku: skuSchema.parse(sku), quantity: 1 })),
  };
}

const REFUSED = 'task hub Green still carries sagas';

describe('another version may come to the app beside', () => {
  it('that carries nothing, whatever the one that leads carries', async () => {
    await accept(sampleOrder('of-blue'), 'Blue');
    expect(await look(await startApp([]), await startApp([], true))).toMatch(/Green carries nothing that another/);
  });

  it('that carries smoke orders only, with a row that has ended before its instance among them', async () => {
    const [stuck, ended] = [smokeOrder(), smokeOrder()];
    await accept(stuck, 'Green');
    await accept(ended, 'Green');
    await createPostgresShop(shop).orders.settle(ended.id, 'compensated', undefined);
    const lines = await look(await startApp([stuck.id, ended.id, `${ended.id}:recover`]), await startApp([], true));
    expect(lines).toMatch(/orders\t0\n {2}returns\t0\n {2}imports\t0\n {2}instances\t0\n {2}smoke orders, [^\t]*\t1\n/);
  });

  it('that came after the rows that belong to no task hub, which are the first one’s', async () => {
    await accept(sampleOrder('old'), undefined);
    await accept(smokeOrder(), undefined);
    const [app, leader] = [await startApp([]), await startApp([], true)];
    const place = ['--url', app.url, '--leader', leader.url, '--hub', 'Green'];
    const as = (colour: string) => runStep(replaceable, place, { DATABASE_URL: shop.url, APP: colour });
    expect((await as('green')).join('\n')).toMatch(/orders\t0\n.*Green carries nothing that another/s);
    await expect(as('blue')).rejects.toThrow(REFUSED);
  });

  it('that does not answer, when the one that leads knows of no instance in its hub', async () => {
    const leader = await startApp([], true);
    expect(await look(await startGone(), leader)).toMatch(/carries nothing that another/);
    expect(leader.asked.filter((request) => request.includes('taskHub=Green'))).toHaveLength(1);
  }, 20_000);

  it('that does not answer, by its rows alone when nobody can say what is in its hub', async () => {
    const lines = await look(await startBroken(), await start(() => [404, '']));
    expect(lines).toMatch(/instances\tnot known/);
    expect(lines).toMatch(/::warning::The instances of Green could not be counted/);
  }, 20_000);

  it('whose hub is named, whatever it carries', async () => {
    await accept(sampleOrder('waits'), 'Green');
    const [app, leader] = [await startApp(['waits']), await startApp([], true)];
    expect(await look(app, leader, '--take-over', 'Green')).toMatch(
      /::warning::What Green still carries is taken over/,
    );
    await expect(look(app, leader, '--take-over', 'green')).rejects.toThrow(REFUSED);
    await expect(look(app, leader, '--take-over', 'Blue')).rejects.toThrow('run this again with take-over: Green');
    await expect(look(app, leader, '--take-over', '')).rejects.toThrow(REFUSED);
  });
});

describe('no other version may come to the app beside', () => {
  it.each<[string, () => NewOrder]>([
    ['an order that was never started', () => sampleOrder('lost')],
    ['an order of another customer with an id like a smoke order’s', () => smokeOrder({ customer: 'ALFKI' })],
    ['an order of a real product by the smoke test’s customer', () => smokeOrder({ sku: 'tea' })],
    ['an order of the smoke test’s customer with an id of its own', () => smokeOrder({ id: 'smoke-by-hand' })],
  ])(
    'that carries %s, whether it answers or not',
    async (_what, order) => {
      await accept(order(), 'Green');
      await expect(look(await startApp([]), await startApp([], true))).rejects.toThrow(REFUSED);
      await expect(look(await startBroken(), await startApp([], true))).rejects.toThrow(REFUSED);
    },
    20_000,
  );

  it('that carries a return', async () => {
    await accept(sampleOrder('bought'), 'Blue');
    await createPostgresShop(shop).returns.accept(sampleReturn('bought.one'), 'Green');
    await expect(look(await startApp([]), await startApp([], true))).rejects.toThrow(REFUSED);
  });

  it('that has an instance which no row tells of, as it says itself or the one that leads says of it', async () => {
    await expect(look(await startApp(['recovered:recover']), await startApp([], true))).rejects.toThrow(REFUSED);
    await expect(look(await startApp([`smoke-${randomUUID()}`]), await startApp([], true))).rejects.toThrow(REFUSED);
    await expect(look(await startBroken(), await startApp(['x'], true))).rejects.toThrow(REFUSED);
  }, 20_000);

  it('that works on another hub than the one that leads was told of', async () => {
    const app = await start(() => [200, { taskHub: 'Purple' }]);
    await expect(look(app, await startApp([], true))).rejects.toThrow(
      `${app.url} works on task hub Purple, but the app that leads was told of Green`,
    );
  });

  it('whose hub nobody knows, or whose rows can’t be counted', async () => {
    const place = ['--url', 'http://localhost', '--leader', 'http://localhost'];
    await expect(runStep(replaceable, [...place, '--hub', ''], {})).rejects.toThrow(/was not told of the task hub/);
    const away = { DATABASE_URL: 'postgres://postgres@127.0.0.1:1/orders' };
    const app = await startApp([]);
    await expect(runStep(replaceable, ['--url', app.url, '--leader', app.url, '--hub', 'Green'], away)).rejects.toThrow(
      /^could not count what task hub Green carries in 127\.0\.0\.1:1\/orders: /,
    );
  });
});

describe('a smoke order that does not end by being cancelled', () => {
  /** An app in which this order is listed, has this status for ever, and is terminated as it says. */
  async function runSmoke(order: NewOrder, status: string, terminated: Answer): Promise<readonly string[]> {
    const app = await start((request) => {
      if (request.startsWith('GET /api/orders?')) return [200, { orders: [{ orderId: order.id, status }] }];
      if (request === `GET /api/orders/${order.id}`) return [200, { orderId: order.id, status }];
      if (request.endsWith('/cancel')) return [202, {}];
      return request.startsWith(`POST ${INSTANCES}/`) ? terminated : [422, ''];
    });
    const environment = { DATABASE_URL: shop.url, REPLAY_GATE_KEY: 'of durable' };
    const lines: string[] = [];
    const print = jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    try {
      // What comes after it is refused: that is another test's.
      await expect(smoke.run(['--url', app.url, '--within', '1'], environment)).rejects.toThrow('the order was');
    } finally {
      print.mockRestore();
    }
    return [...lines, ...app.asked.filter((request) => request.includes('terminate'))];
  }

  const stockOf = async (): Promise<number | undefined> => {
    const { rows } = await shop.database.query<{ stock: number }>(
      `select stock from products where sku = 'smoke-test'`,
    );
    return rows[0]?.stock;
  };

  it.each<[string, Answer]>([
    ['parked', [202, '']],
    ['running', [202, '']],
    ['running', [503, 'Service Unavailable']],
  ])('and is %s is terminated (%j), gives back what it has reserved, and ends', async (status, terminated) => {
    const order = smokeOrder();
    const { orders, stock } = createPostgresShop(shop);
    await accept(order, 'Green');
    const reservation = { orderId: order.id, sku: skuSchema.parse('smoke-test'), quantity: 1 };
    await stock.reserve(`${order.id}/reserveStock#smoke-test`, reservation);
    expect(await stockOf()).toBe(999);

    const seen = await runSmoke(order, status, terminated);
    const line = `${order.id} is ended by force; its instance was terminated: ${terminated[0]}`;
    expect(seen).toContain(terminated[1] === '' ? line : `${line}: Service Unavailable`);
    expect(seen.at(-1)).toBe(
      `POST ${INSTANCES}/${order.id}/terminate?reason=a+smoke+test+ends&taskHub=Green&code=of+durable`,
    );
    expect(await orders.find(order.id)).toMatchObject({ status: 'compensated', statusReason: { code: 'cancelled' } });
    expect(await stockOf()).toBe(1_000);
    expect(await stock.reserve(`${order.id}/reserveStock#smoke-test`, reservation)).toEqual({ kind: 'undone' });
    const { rows } = await shop.database.query<{ headers: string }>(
      'select headers from saga_outbox where ordering_key = $1 order by seq',
      [order.id],
    );
    expect(rows.map(({ headers }) => (JSON.parse(headers) as { subject: string }).subject)).toEqual([
      'order.accepted',
      'order.compensated',
    ]);
  });

  it('keeps no smoke saga from being sent when its row can’t be ended', async () => {
    const app = await start((request) => {
      if (request.startsWith('GET /api/orders?')) return [200, { orders: [{ orderId: 'smoke-1', status: 'parked' }] }];
      if (request === 'GET /api/orders/smoke-1') return [200, { orderId: 'smoke-1', status: 'parked' }];
      return request.endsWith('/cancel') ? [202, ''] : [422, { title: 'not now' }];
    });
    const away = { DATABASE_URL: 'postgres://postgres@127.0.0.1:1/orders' };
    await expect(runStep(smoke, ['--url', app.url, '--within', '1'], away)).rejects.toThrow(
      'the order was answered 422: not now',
    );
  });

  it('is never one of a caller’s: an order that only looks like it stays as it is', async () => {
    const order = smokeOrder({ sku: 'tea' });
    await accept(order, 'Green');
    expect(await runSmoke(order, 'parked', [202, ''])).toEqual([`${order.id} is cancelled: 202: {}`]);
    expect(await createPostgresShop(shop).orders.find(order.id)).toMatchObject({ status: 'accepted' });
  });
});
