import type { Answer } from 'durable-saga';
import { DatabaseUnavailable } from '../../../src/adapters/postgres-database';
import { orderIdSchema, skuSchema } from '../../../src/domain/ids';
import { placeOrderByHttp } from '../../../src/triggers/http/place-order';
import { listProducts } from '../../../src/triggers/http/products';
import { listOrders, showOrder } from '../../../src/triggers/http/show-orders';
import { cancelOrder, decideApproval } from '../../../src/triggers/http/steer-orders';
import { answerUnknownRoute } from '../../../src/triggers/http/unknown-route';
import type { OrderSagas } from '../../../src/triggers/order-sagas';
import { createInMemoryShop } from '../../support/in-memory-shop';
import { callHttp, createContext } from '../../support/invoke';
import type { Answer as HttpAnswer } from '../../support/invoke';
import { createTestClock } from '../../support/orders-database';
import { cup, tea } from '../../support/sample-orders';

const body = {
  customerId: 'ALFKI',
  email: 'maria@example.com',
  lines: [
    { sku: 'tea', quantity: 2 },
    { sku: 'cup', quantity: 1 },
  ],
  paymentMethod: 'pm_card_visa',
};
const id = orderIdSchema.parse('order-1');

interface State {
  /** What a saga says of itself. */
  status: Awaited<ReturnType<OrderSagas['status']>>;
  /** What it answers to a cancel or an approval. */
  answer: Answer;
  /** Set when it can't be reached. */
  failure: Error | undefined;
}

/** The triggers over a shop in memory; what they ask of sagas is noted, and answered as the test wants it. */
async function createShopFront() {
  const clock = createTestClock();
  const shop = createInMemoryShop(clock);
  await shop.catalogue.put('catalogue', [tea, cup]);
  const asked: string[] = [];
  const state: State = { status: undefined, failure: undefined, answer: { accepted: true, confirmed: true } };
  const note = async (what: string): Promise<Answer> => {
    if (state.failure) throw state.failure;
    asked.push(what);
    return state.answer;
  };
  const sagas: OrderSagas = {
    taskHub: 'blue',
    start: async (order) => {
      await note(`start ${order}`);
      await shop.orders.markStarted(order);
    },
    status: async () => {
      if (state.failure) throw state.failure;
      return state.status;
    },
    cancel: (order, reason) => note(`cancel ${order.id} ${reason}`),
    decidePayment: (order, { authorised }) => note(`decide ${order.id} ${authorised}`),
    approve: (order, { approved, by }) => note(`approve ${order.id} ${approved} ${by}`),
  };
  let made = 0;
  const deps = {
    ...shop,
    sagas: () => sagas,
    currency: 'usd',
    newOrderId: () => orderIdSchema.parse(`made-${(made += 1)}`),
  };
  const place = placeOrderByHttp(deps);
  const context = createContext();
  return {
    ...shop,
    clock,
    state,
    asked,
    deps,
    ...context,
    post: (content: unknown) => callHttp(place, 'POST', '/api/orders', { body: content }, context.context),
    show: (order: string) => callHttp(showOrder(deps), 'GET', `/api/orders/${order}`, { params: { orderId: order } }),
    list: (query: string) => callHttp(listOrders(deps), 'GET', `/api/orders${query}`),
    products: (query: string) => callHttp(listProducts(deps), 'GET', `/api/products${query}`),
    cancel: (order: string, content?: unknown) =>
      callHttp(cancelOrder(deps), 'POST', `/api/orders/${order}/cancel`, { params: { orderId: order }, body: content }),
    decide: (order: string, content: unknown) =>
      callHttp(decideApproval(deps), 'POST', `/api/orders/${order}/approval`, {
        params: { orderId: order },
        body: content,
      }),
  };
}
type ShopFront = Awaited<ReturnType<typeof createShopFront>>;

let front: ShopFront;
beforeEach(async () => {
  front = await createShopFront();
});

function expectProblem(answer: HttpAnswer, status: number, code: string) {
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.body).toMatchObject({
    status,
    code,
    type: 'about:blank',
    title: expect.any(String),
    detail: expect.any(String),
  });
  expect(answer.status).toBe(status);
}

function pathsOf({ body: content }: HttpAnswer): string[] {
  return (content as { violations: { path: string }[] }).violations.map(({ path }) => path);
}

function idsOf({ body: content }: HttpAnswer): string[] {
  return (content as { orders: { orderId: string }[] }).orders.map(({ orderId }) => orderId);
}

describe('POST /api/orders', () => {
  it('writes the row, starts the saga, and says where the order is', async () => {
    const answer = await front.post({ ...body, orderId: id });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ orderId: id, statusUrl: 'http://localhost:7071/api/orders/order-1' });
    expect(answer.headers['location']).toBe('/api/orders/order-1');
    expect(await front.orders.find(id)).toMatchObject({ total: 4_100, status: 'running', source: 'http' });
    expect(front.asked).toEqual(['start order-1']);
  });

  it('makes an id for an order that has none', async () => {
    expect((await front.post(body)).body).toMatchObject({ orderId: 'made-1' });
    expect((await front.post(body)).body).toMatchObject({ orderId: 'made-2' });
  });

  it('accepts the same order again, even at other prices, and refuses a different one under its id', async () => {
    await front.post({ ...body, orderId: id });
    await front.catalogue.put('dearer', [{ ...tea, unitPrice: 9_900 }]);
    const again = await front.post({ orderId: id, ...body });
    expect(again).toMatchObject({ status: 202, body: { orderId: id } });
    expectProblem(await front.post({ ...body, orderId: id, customerId: 'BONAP' }), 409, 'orderConflict');
    expect(await front.orders.find(id)).toMatchObject({ total: 4_100, customerId: 'ALFKI' });
  });

  it('accepts the order when its saga can not be started now', async () => {
    front.state.failure = new Error('the task hub is down');
    expect((await front.post({ ...body, orderId: id })).status).toBe(202);
    expect(await front.orders.find(id)).toMatchObject({ status: 'accepted', startedAt: undefined });
    expect(front.lines).toEqual([
      { level: 'warning', args: [expect.stringContaining('order-1'), front.state.failure] },
    ]);
  });

  it('says 503 when the row can not be written', async () => {
    front.deps.orders.accept = () => Promise.reject(new DatabaseUnavailable('PostgreSQL at db:5432 is gone'));
    const answer = await front.post(body);
    expectProblem(answer, 503, 'unavailable');
    expect(answer.headers['retry-after']).toBe('5');
    expect(JSON.stringify(answer.body)).not.toContain('db:5432');
    expect(front.asked).toEqual([]);
  });

  it('says 500 with the id of the request and nothing from inside, and logs the rest', async () => {
    const secret = new TypeError('cannot read properties of hunter2');
    front.deps.catalogue.find = () => Promise.reject(secret);
    const answer = await front.post(body);
    expectProblem(answer, 500, 'internal');
    expect(answer.body).toMatchObject({ requestId: 'request-1' });
    expect(JSON.stringify(answer.body)).not.toMatch(/hunter2|TypeError/);
    expect(front.lines).toEqual([{ level: 'error', args: ['request request-1 failed:', secret] }]);
  });

  it('lists every violation', async () => {
    const answer = await front.post({ orderId: '?', lines: [{ sku: 'tea', quantity: -1 }], paymentMethod: 7 });
    expectProblem(answer, 400, 'invalidRequest');
    expect(answer.body).toMatchObject({
      detail: 'The request has 4 violations.',
      violations: [
        { path: 'orderId', message: expect.stringContaining('got "?"') },
        { path: 'customerId', message: expect.stringContaining('got nothing') },
        { path: 'lines[0].quantity', message: 'expected a whole number from 1 to 100000, got -1' },
        { path: 'paymentMethod', message: expect.stringContaining('got 7') },
      ],
    });
  });

  it('names products that do not exist beside what else is wrong', async () => {
    const lines = [{ sku: 'tea', quantity: 0 }, { sku: 'sugar', quantity: 1 }, { sku: '' }, 'milk', { sku: 'milk' }];
    const answer = await front.post({ ...body, lines });
    expectProblem(answer, 400, 'invalidRequest');
    const { violations } = answer.body as { violations: { path: string; message: string }[] };
    expect(violations.map(({ path }) => path)).toEqual([
      'lines[0].quantity',
      'lines[2].sku',
      'lines[2].quantity',
      'lines[3]',
      'lines[4].quantity',
      'lines[1].sku',
      'lines[4].sku',
    ]);
    expect(violations.at(-1)?.message).toBe('no product has the sku "milk"');
  });

  it('names products that do not exist, and quantities that nobody can pay', async () => {
    const unknown = await front.post({ ...body, lines: [{ sku: 'sugar', quantity: 1 }] });
    expect(unknown.body).toMatchObject({
      violations: [{ path: 'lines[0].sku', message: 'no product has the sku "sugar"' }],
    });
    const huge = await front.post({ ...body, lines: [{ sku: 'tea', quantity: 100_000 }] });
    expect(huge.body).toMatchObject({
      violations: [{ path: 'lines[0]', message: expect.stringContaining('99999999') }],
    });
  });

  it.each([
    ['nothing', '', 'expected a JSON body, got nothing'],
    ['half an object', '{"customerId":', 'expected JSON: '],
    ['a list', '[]', 'expected object, got []'],
    ['other bytes', new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]), 'expected JSON in UTF-8, got other bytes'],
  ])('refuses %s', async (_what, content, message) => {
    const answer = await front.post(content);
    expectProblem(answer, 400, 'invalidRequest');
    expect(answer.body).toMatchObject({ violations: [{ path: '', message: expect.stringContaining(message) }] });
  });

  it('refuses a body over 1 MB, and takes one of exactly 1 MB', async () => {
    const filler = (size: number) => JSON.stringify({ ...body, orderId: id }).padEnd(size, ' ');
    expectProblem(await front.post(filler(1_000_001)), 413, 'bodyTooLarge');
    expect((await front.post(filler(1_000_000))).status).toBe(202);
  });
});

describe('GET /api/orders/{orderId}', () => {
  it('puts together the rows and the saga', async () => {
    await front.post({ ...body, orderId: id });
    await front.paymentRows.recordAuthorised('auth', { orderId: id, intentId: 'pi_1', amount: 4_100, currency: 'usd' });
    await front.shipmentRows.recordBooked('book', { orderId: id, shipmentId: 'sh_1', tracking: 'TRK1' });
    const steps = [{ name: 'reserveStock', key: 'order-1/reserveStock#tea', state: 'done' as const, attempts: 1 }];
    front.state.status = { state: 'running', pivot: 'passed', steps };
    expect(await front.show('order-1')).toMatchObject({
      status: 200,
      body: {
        orderId: 'order-1',
        status: 'running',
        customerId: 'ALFKI',
        currency: 'usd',
        total: 4_100,
        lines: [{ sku: 'tea', quantity: 2, unitPrice: 1_850, discount: '0', amount: 3_700 }, { sku: 'cup' }],
        payment: { state: 'authorised', amount: 4_100, intentId: 'pi_1' },
        shipment: { state: 'booked', shipmentId: 'sh_1' },
        tracking: 'TRK1',
        steps,
        pivot: 'passed',
        createdAt: '2026-01-05T10:00:00.000Z',
      },
    });
  });

  it('shows a payment as processing while the saga waits for the bank', async () => {
    await front.post({ ...body, orderId: id });
    const payment = { orderId: id, intentId: 'pi_1', amount: 4_100, currency: 'usd', isProcessing: true };
    await front.paymentRows.recordAuthorised('auth', payment);
    const shown = async () => (await front.show('order-1')).body;
    const waitingFor = { event: 'paymentDecided', since: '2026-01-05T10:00:00.000Z' };
    front.state.status = { state: 'waiting', pivot: 'none', steps: [], waitingFor };
    expect(await shown()).toMatchObject({ status: 'running', payment: { state: 'processing' }, waitingFor });
    front.state.status = { state: 'running', pivot: 'started', steps: [] };
    expect(await shown()).toMatchObject({ payment: { state: 'authorised' } });
  });

  it('says so when the saga is parked, which the row does not know', async () => {
    await front.post({ ...body, orderId: id });
    front.state.status = { state: 'parked', pivot: 'passed', steps: [] };
    expect((await front.show('order-1')).body).toMatchObject({ status: 'parked' });
  });

  it('answers from the rows when the history is gone, or can not be asked', async () => {
    await front.post({ ...body, orderId: id });
    await front.orders.settle(id, 'compensated', { code: 'paymentDeclined', message: 'card_declined' });
    const expected = {
      status: 'compensated',
      reason: { code: 'paymentDeclined', message: 'card_declined' },
      steps: [],
    };
    expect((await front.show('order-1')).body).toMatchObject(expected);
    front.state.failure = new Error('the task hub is down');
    expect(await front.show('order-1')).toMatchObject({ status: 200, body: expected });
  });

  it.each(['nobody', '../etc', 'ä'])('does not find %s', async (order) => {
    expectProblem(await front.show(order), 404, 'unknownOrder');
  });
});

describe('GET /api/orders', () => {
  beforeEach(async () => {
    for (const order of ['a', 'b', 'c']) {
      await front.post({ ...body, orderId: order });
      front.clock.advance(1_000);
    }
    await front.orders.settle(orderIdSchema.parse('b'), 'completed', undefined);
  });

  it('leads from page to page, newest first', async () => {
    const first = await front.list('?limit=2&code=key');
    expect(idsOf(first)).toEqual(['c', 'b']);
    expect(first.body).toMatchObject({ next: '/api/orders?limit=2&after=b' });
    const second = await front.list('?limit=2&after=b');
    expect(second.body).toMatchObject({ orders: [{ orderId: 'a', total: 4_100, status: 'running' }] });
    expect(second.body).not.toHaveProperty('next');
  });

  it('filters by status and customer', async () => {
    expect(idsOf(await front.list('?status=completed'))).toEqual(['b']);
    expect(idsOf(await front.list('?customer=ALFKI&status=running'))).toEqual(['c', 'a']);
    expect(idsOf(await front.list('?customer=nobody'))).toEqual([]);
  });

  it('refuses what it can not read', async () => {
    const answer = await front.list('?status=happy&limit=0&after=-&sort=up');
    expectProblem(answer, 400, 'invalidRequest');
    expect(pathsOf(answer)).toEqual(['status', 'after', 'limit', 'sort']);
    expect((await front.list('?after=unknown')).body).toMatchObject({ violations: [{ path: 'after' }] });
    expect((await front.list('?limit=1&limit=2&status=running')).body).toMatchObject({
      violations: [{ path: 'limit', message: 'expected once, got several' }],
    });
  });
});

describe('POST /api/orders/{orderId}/cancel', () => {
  beforeEach(() => front.post({ ...body, orderId: id }));

  it('asks the saga, with the reason and without', async () => {
    expect(await front.cancel('order-1', { reason: 'changed my mind' })).toMatchObject({
      status: 202,
      body: { orderId: id },
    });
    expect(await front.cancel('order-1')).toMatchObject({ status: 202 });
    expect(front.asked.slice(1)).toEqual(['cancel order-1 changed my mind', 'cancel order-1 undefined']);
  });

  it.each(['pastPivot', 'finished', 'unknown'] as const)('is refused when the saga says %s', async (code) => {
    front.state.answer = { accepted: false, code, message: 'no' };
    expectProblem(await front.cancel('order-1'), 409, 'notAllowed');
  });

  it('is refused for an order that is finished or not there', async () => {
    await front.orders.settle(id, 'completed', undefined);
    expectProblem(await front.cancel('order-1'), 409, 'notAllowed');
    expectProblem(await front.cancel('order-2'), 404, 'unknownOrder');
  });

  it('starts a saga whose start was lost, so that there is one to cancel', async () => {
    front.state.failure = new Error('the task hub is down');
    await front.post({ ...body, orderId: 'lost' });
    front.state.failure = undefined;
    expect((await front.cancel('lost')).status).toBe(202);
    expect(front.asked.slice(1)).toEqual(['start lost', 'cancel lost undefined']);
  });
});

describe('POST /api/orders/{orderId}/approval', () => {
  beforeEach(() => front.post({ ...body, orderId: id }));

  it('tells the saga that waits for it', async () => {
    await front.orders.markAwaitingApproval('ask', id);
    expect(await front.decide('order-1', { approved: true, by: 'Ann' })).toMatchObject({ status: 202 });
    expect(front.asked.slice(1)).toEqual(['approve order-1 true Ann']);
  });

  it('is refused for an order that does not wait for it, is finished or is not there', async () => {
    expectProblem(await front.decide('order-1', { approved: true, by: 'Ann' }), 409, 'notAllowed');
    await front.orders.settle(id, 'compensated', undefined);
    expectProblem(await front.decide('order-1', { approved: true, by: 'Ann' }), 409, 'notAllowed');
    expectProblem(await front.decide('order-2', { approved: true, by: 'Ann' }), 404, 'unknownOrder');
  });

  it('needs to know what was decided, and by whom', async () => {
    const answer = await front.decide('order-1', { approved: 'yes', by: ' ' });
    expectProblem(answer, 400, 'invalidRequest');
    expect(pathsOf(answer)).toEqual(['approved', 'by']);
  });
});

describe('GET /api/products', () => {
  it('lists the catalogue page by page', async () => {
    const first = await front.products('?limit=1');
    expect(first.body).toEqual({ currency: 'usd', products: [cup], next: '/api/products?limit=1&after=cup' });
    expect((await front.products('?after=cup')).body).toEqual({ currency: 'usd', products: [tea] });
    await front.catalogue.put('more', [{ ...tea, sku: skuSchema.parse('zest') }]);
    expect((await front.products('')).body).toMatchObject({
      products: [{ sku: 'cup' }, { sku: 'tea' }, { sku: 'zest' }],
    });
  });
});

describe('any other route', () => {
  it('is told not to exist', async () => {
    const answer = await callHttp(answerUnknownRoute(), 'DELETE', '/api/nothing/here?x=1');
    expectProblem(answer, 404, 'unknownRoute');
    expect(answer.body).toMatchObject({ detail: 'Nothing answers DELETE /api/nothing/here.' });
  });
});
