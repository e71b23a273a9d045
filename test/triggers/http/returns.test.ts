import type { Answer } from 'durable-saga';
import { returnIdSchema } from '../../../src/domain/ids';
import type { OrderId } from '../../../src/domain/ids';
import { listReturns, showReturn } from '../../../src/triggers/http/show-returns';
import { startReturn } from '../../../src/triggers/http/start-return';
import { cancelReturn, takeCollection } from '../../../src/triggers/http/steer-returns';
import type { ReturnSagas } from '../../../src/triggers/return-sagas';
import { callHttp, createContext } from '../../support/invoke';
import { createReturnPorts, openReturn } from '../../support/return-order-business';
import { cup, sampleOrder, tea } from '../../support/sample-orders';

const id = returnIdSchema.parse('o1.first');

interface State {
  status: Awaited<ReturnType<ReturnSagas['status']>>;
  answer: Answer;
  /** Set when the sagas can't be reached. */
  failure: Error | undefined;
}

/** The triggers over a business in memory, with a completed order and one return of two of its three teas. */
async function createCounter() {
  const ports = createReturnPorts();
  await openReturn(ports, id, [[tea, 2]]);
  await ports.returnedItems.claim('claim', id);
  const asked: string[] = [];
  const state: State = { status: undefined, failure: undefined, answer: { accepted: true, confirmed: true } };
  const note = async (what: string): Promise<Answer> => {
    if (state.failure) throw state.failure;
    asked.push(what);
    return state.answer;
  };
  const sagas: ReturnSagas = {
    taskHub: 'blue',
    start: async (returnId) => {
      await note(`start ${returnId}`);
      await ports.returns.markStarted(returnId);
    },
    status: async () => {
      if (state.failure) throw state.failure;
      return state.status;
    },
    cancel: (row, reason) => note(`cancel ${row.id} ${reason}`),
    collected: (row, lines) => note(`collected ${row.id} ${JSON.stringify(lines)}`),
  };
  let made = 0;
  const newReturnId = (orderId: OrderId) => returnIdSchema.parse(`${orderId}.made-${(made += 1)}`);
  const deps = { ...ports, sagas: () => sagas, newReturnId };
  const { context, lines: logged } = createContext();
  const params = (returnId: string) => ({ params: { returnId } });
  return {
    ...ports,
    state,
    asked,
    logged,
    post: (orderId: string, body: unknown) => {
      const path = `/api/orders/${orderId}/returns`;
      return callHttp(startReturn(deps), 'POST', path, { body, params: { orderId } }, context);
    },
    list: (orderId: string, query = '') =>
      callHttp(listReturns(deps), 'GET', `/api/orders/${orderId}/returns${query}`, { params: { orderId } }),
    show: (returnId: string) =>
      callHttp(showReturn(deps), 'GET', `/api/returns/${returnId}`, params(returnId), context),
    cancel: (returnId: string, body?: unknown) =>
      callHttp(cancelReturn(deps), 'POST', `/api/returns/${returnId}/cancel`, { body, ...params(returnId) }),
    collected: (returnId: string, body: unknown) =>
      callHttp(takeCollection(deps), 'POST', `/api/returns/${returnId}/collected`, { body, ...params(returnId) }),
  };
}

let counter: Awaited<ReturnType<typeof createCounter>>;
beforeEach(async () => {
  counter = await createCounter();
});

const lines = [{ sku: 'cup', quantity: 1, reason: 'chipped' }];

describe('POST /api/orders/{orderId}/returns', () => {
  it('writes the row, starts the saga, and says where the return is', async () => {
    expect(await counter.post('o1', { returnId: 'o1.second', lines })).toMatchObject({
      status: 202,
      headers: { location: '/api/returns/o1.second' },
      body: { returnId: 'o1.second', statusUrl: 'http://localhost:7071/api/returns/o1.second' },
    });
    expect(counter.asked).toEqual(['start o1.second']);
    expect(await counter.returns.find(returnIdSchema.parse('o1.second'))).toMatchObject({ status: 'running', lines });
  });

  it('makes an id for a return that has none', async () => {
    expect(await counter.post('o1', { lines })).toMatchObject({ status: 202, body: { returnId: 'o1.made-1' } });
  });

  it('accepts the same return again, whose pieces it holds itself, and refuses a different one under its id', async () => {
    const body = { returnId: 'o1.all', lines: [{ sku: 'cup', quantity: 2 }] };
    await counter.post('o1', body);
    await counter.returnedItems.claim('all', returnIdSchema.parse('o1.all'));
    expect(await counter.post('o1', body)).toMatchObject({ status: 202 });
    expect(await counter.post('o1', { ...body, lines })).toMatchObject({
      status: 409,
      body: { code: 'returnConflict' },
    });
  });

  it('accepts the return when its saga can not be started now', async () => {
    counter.state.failure = new Error('the task hub is away');
    expect(await counter.post('o1', { returnId: 'o1.second', lines })).toMatchObject({ status: 202 });
    expect(await counter.returns.find(returnIdSchema.parse('o1.second'))).toMatchObject({ status: 'accepted' });
    expect(counter.logged.map(({ args }) => args[0])).toEqual([
      'return o1.second is accepted, its saga could not be started yet:',
    ]);
  });

  it('takes a reason of several lines', async () => {
    const reason = 'too bitter,\n\tand cold \u{1f622}';
    expect(await counter.post('o1', { returnId: 'o1.r', lines: [{ sku: 'cup', quantity: 1, reason }] })).toMatchObject({
      status: 202,
    });
    expect(await counter.returns.find(returnIdSchema.parse('o1.r'))).toMatchObject({ lines: [{ reason }] });
  });

  it.each(['\0', 'half a pair \ud83d', 'a bell \x07', 'x'.repeat(501), '', 7])(
    'refuses the reason %j',
    async (reason) => {
      expect(await counter.post('o1', { lines: [{ sku: 'cup', quantity: 1, reason }] })).toMatchObject({
        status: 400,
        body: {
          violations: [
            {
              path: 'lines[0].reason',
              message: expect.stringMatching(/^expected 1 to 500 printable characters, got /) as string,
            },
          ],
        },
      });
      expect(counter.asked).toEqual([]);
    },
  );

  it('names what is wrong with it', async () => {
    const answer = await counter.post('o1', {
      lines: [
        { sku: 'tea', quantity: 2 },
        { sku: 'shoe', quantity: 1 },
      ],
    });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        violations: [
          { path: 'lines[0].quantity', message: 'expected at most the 1 left, got 2' },
          { path: 'lines[1].sku', message: 'the order has no product "shoe"' },
        ],
      },
    });
    expect(await counter.post('o1', { returnId: 'o2.r', lines })).toMatchObject({
      status: 400,
      body: { violations: [{ path: 'returnId', message: 'expected an id that starts with "o1.", got "o2.r"' }] },
    });
    expect(await counter.post('o1', { lines: [] })).toMatchObject({ status: 400 });
  });

  it('is refused for an order that is not there, or is not completed', async () => {
    expect(await counter.post('nobody', { lines })).toMatchObject({ status: 404, body: { code: 'unknownOrder' } });
    await counter.orders.accept(sampleOrder('young', [[cup, 1]]));
    expect(await counter.post('young', { lines })).toMatchObject({
      status: 409,
      body: { code: 'notAllowed', detail: "Order young can't be returned: it is accepted." },
    });
  });
});

describe('GET /api/returns/{returnId}', () => {
  it('puts together the rows and the saga', async () => {
    await counter.pickUpRows.recordBooked('book', { returnId: id, pickUpId: 'pup_1', tracking: 'RET1' });
    counter.state.status = {
      state: 'waiting',
      pivot: 'none',
      steps: [{ name: 'claimItems', key: 'k', state: 'done', attempts: 1 }],
    } as never;
    expect(await counter.show('o1.first')).toMatchObject({
      status: 200,
      body: {
        returnId: 'o1.first',
        orderId: 'o1',
        status: 'accepted',
        lines: [{ sku: 'tea', quantity: 2, reason: 'changed my mind' }],
        refunded: 0,
        pickUp: { state: 'booked', pickUpId: 'pup_1', tracking: 'RET1' },
        steps: [{ name: 'claimItems' }],
      },
    });
  });

  it('counts as refunded what is on its way, and shows a parked saga as parked', async () => {
    await counter.returnedItems.accept('accept', id, [{ sku: tea.sku, quantity: 2 }]);
    expect(await counter.show('o1.first')).toMatchObject({
      body: { refunded: 0, settledByHand: 0, owed: 3_700, lines: [{ refund: 3_700 }] },
    });
    await counter.returnedItems.recordRefund('refund', { id, sku: tea.sku, refundId: 're_1' });
    counter.state.status = { state: 'parked', pivot: 'passed', steps: [] } as never;
    expect(await counter.show('o1.first')).toMatchObject({
      body: { refunded: 3_700, settledByHand: 0, owed: 0, status: 'parked' },
    });
  });

  it.each([
    ['completed', { refunded: 0, settledByHand: 3_700, owed: 0 }],
    ['compensationFailed', { refunded: 0, settledByHand: 0, owed: 3_700 }],
  ] as const)('says of a return that has ended %s without its refund what became of the money', async (end, sums) => {
    await counter.returnedItems.accept('accept', id, [{ sku: tea.sku, quantity: 2 }]);
    await counter.returns.settle(id, end, undefined);
    expect(await counter.show('o1.first')).toMatchObject({ body: { status: end, ...sums } });
    expect(await counter.list('o1')).toMatchObject({ body: { returns: [sums] } });
  });

  it('answers from the rows when the saga can not be asked, and not at all for a return that is not there', async () => {
    counter.state.failure = new Error('the task hub is away');
    expect(await counter.show('o1.first')).toMatchObject({ status: 200, body: { steps: [] } });
    expect(await counter.show('o1.none')).toMatchObject({ status: 404, body: { code: 'unknownReturn' } });
    expect(await counter.show('no-return')).toMatchObject({ status: 404, body: { code: 'unknownReturn' } });
  });
});

describe('GET /api/orders/{orderId}/returns', () => {
  it('leads from page to page, newest first', async () => {
    await counter.post('o1', { returnId: 'o1.second', lines });
    const first = await counter.list('o1', '?limit=1');
    expect(first).toMatchObject({
      status: 200,
      body: { returns: [{ returnId: 'o1.second' }], next: '/api/orders/o1/returns?limit=1&after=o1.second' },
    });
    const second = await counter.list('o1', '?limit=1&after=o1.second');
    expect((second.body as { returns: unknown[] }).returns).toMatchObject([{ returnId: 'o1.first' }]);
  });

  it('refuses what it can not read', async () => {
    expect(await counter.list('nobody')).toMatchObject({ status: 404 });
    expect(await counter.list('o1', '?after=o1.none')).toMatchObject({ status: 400 });
    expect(await counter.list('o1', '?limit=0')).toMatchObject({ status: 400 });
  });
});

describe('POST /api/returns/{returnId}/cancel', () => {
  it('asks the saga, which is started if need be', async () => {
    expect(await counter.cancel('o1.first', { reason: 'I keep it' })).toMatchObject({ status: 202 });
    expect(counter.asked).toEqual(['start o1.first', 'cancel o1.first I keep it']);
  });

  it('refuses a reason that could not be kept', async () => {
    expect(await counter.cancel('o1.first', { reason: 'a\0b' })).toMatchObject({
      status: 400,
      body: { violations: [{ path: 'reason', message: 'expected 1 to 200 printable characters, got "a\\u0000b"' }] },
    });
    expect(counter.asked).toEqual([]);
  });

  it('is refused when the items are collected, the return is finished or not there', async () => {
    counter.state.answer = { accepted: false, code: 'pastPivot', message: 'too late' };
    await counter.returns.markStarted(id);
    expect(await counter.cancel('o1.first')).toMatchObject({
      status: 409,
      body: { detail: "Return o1.first can't be cancelled any more: its items have been collected." },
    });
    await counter.returns.settle(id, 'completed', undefined);
    expect(await counter.cancel('o1.first')).toMatchObject({ status: 409, body: { code: 'notAllowed' } });
    expect(await counter.cancel('o1.none')).toMatchObject({ status: 404 });
  });
});

describe('POST /api/returns/{returnId}/collected', () => {
  const body = { pickUpId: 'pup_1', lines: [{ sku: 'tea', quantity: 2, colour: 'green' }], driver: 'Joe' };
  beforeEach(() => counter.pickUpRows.recordBooked('book', { returnId: id, pickUpId: 'pup_1', tracking: 'RET1' }));

  it('tells the saga what was in the parcel', async () => {
    expect(await counter.collected('o1.first', body)).toMatchObject({ status: 202 });
    expect(counter.asked).toEqual(['collected o1.first [{"sku":"tea","quantity":2}]']);
  });

  it('is too early when the pick-up is not noted yet, and taken when it is told again', async () => {
    await counter.post('o1', { returnId: 'o1.early', lines: [{ sku: 'cup', quantity: 1 }] });
    const early = { ...body, pickUpId: 'pup_9' };
    expect(await counter.collected('o1.early', early)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { code: 'notYet', detail: 'Return o1.early has no pick-up yet. Try again later.' },
    });
    const returnId = returnIdSchema.parse('o1.early');
    await counter.pickUpRows.recordBooked('early', { returnId, pickUpId: 'pup_9', tracking: 'RET9' });
    expect(await counter.collected('o1.early', early)).toMatchObject({ status: 202 });
  });

  it('is refused for a return that is being taken back, also while that waits for an operator', async () => {
    for (const status of [
      { state: 'compensating' },
      { state: 'parked' },
      // It was cancelled, and what is under way settles first.
      { state: 'running', cancel: 'honoured' },
    ]) {
      counter.state.status = { ...status, pivot: 'none', steps: [] } as never;
      expect(await counter.collected('o1.first', body)).toMatchObject({
        status: 409,
        body: { code: 'notAllowed', detail: expect.stringContaining('is being taken back') as string },
      });
    }
    expect(counter.asked).toEqual([]);
    // Told again while refunds are under way it is taken, and changes nothing.
    counter.state.status = { state: 'parked', pivot: 'passed', steps: [] } as never;
    expect(await counter.collected('o1.first', body)).toMatchObject({ status: 202 });
  });

  it('is refused for another pick-up, and for a return that is finished or not there', async () => {
    expect(await counter.collected('o1.first', { ...body, pickUpId: 'pup_2' })).toMatchObject({
      status: 409,
      body: { detail: 'Return o1.first has no pick-up "pup_2".' },
    });
    expect(await counter.collected('o1.first', { pickUpId: 'pup_1', lines: [] })).toMatchObject({ status: 400 });
    await counter.returns.settle(id, 'completed', undefined);
    expect(await counter.collected('o1.first', body)).toMatchObject({ status: 409 });
    expect(await counter.collected('o1.none', body)).toMatchObject({ status: 404 });
    expect(counter.asked).toEqual([]);
  });
});
