import { smoke } from '../../../scripts/deploy/smoke';
import { runStep, startAnswering } from '../../support/deploy-steps';
import type { Answer, AnsweringApp } from '../../support/deploy-steps';

/** The smoke saga against an app of which each test says how its order goes. The dry run sends one through the real app. */

interface SmokeOrder {
  readonly orderId: string;
  readonly status: string;
  readonly steps?: readonly { readonly name: string; readonly state: string }[];
  readonly reason?: { readonly code: string; readonly message: string };
}

let app: AnsweringApp | undefined;
let cancelled: string[];
beforeEach(() => (cancelled = []));
afterEach(async () => {
  await app?.stop();
  app = undefined;
});

const reserved = [{ name: 'reserveStock', state: 'done' }];
const undone = [{ name: 'reserveStock', state: 'undone' }];

interface Shop {
  /** The order each time that it is asked for, the last for ever. */
  readonly states: readonly Omit<SmokeOrder, 'orderId'>[];
  readonly afterCancel?: readonly Omit<SmokeOrder, 'orderId'>[];
  readonly leftOver?: readonly SmokeOrder[];
  /** Numbers of attempts of the event that has not left the outbox, each time that it is asked for, the last for ever; 0: it has. */
  readonly outbox?: readonly number[];
  /** Instead of an answer, for as long as it gives one. */
  readonly instead?: (request: string) => Answer | undefined;
}

async function send({ states, afterCancel = [], leftOver = [], outbox = [0], instead }: Shop, within = '5') {
  let ahead = [...states];
  let own = '';
  const waiting = [...outbox];
  app = await startAnswering((request, body): Answer => {
    const other = instead?.(request);
    if (other !== undefined) return other;
    if (request.startsWith('GET /api/orders?')) return [200, { orders: leftOver }];
    if (request === 'POST /api/orders') {
      own = (body as SmokeOrder).orderId;
      return [202, { orderId: own }];
    }
    if (request.endsWith('/unsent-events')) {
      const [attempts = 0] = waiting.length > 1 ? waiting.splice(0, 1) : waiting;
      const unsent = attempts === 0 ? [] : [{ event: 'order.accepted', state: 'waiting', attempts }];
      return [200, { orderId: own, unsent }];
    }
    const [, orderId = '', isCancel] = /^\w+ \/api\/orders\/([^/]+)(\/cancel)?$/.exec(request) ?? [];
    if (isCancel !== undefined) {
      cancelled.push(orderId);
      if (orderId === own) ahead = [...afterCancel];
      return [202, { orderId }];
    }
    const [state] = ahead.length > 1 ? ahead.splice(0, 1) : ahead;
    return [200, { orderId, ...state }];
  });
  return runStep(smoke, ['--url', app.url, '--within', within], {});
}

const good: Shop = {
  states: [{ status: 'accepted' }, { status: 'awaitingApproval', steps: reserved }],
  afterCancel: [
    { status: 'running', steps: reserved },
    { status: 'compensated', steps: undone },
  ],
};

describe('the smoke saga', () => {
  it('waits for approval, is cancelled, and is undone', async () => {
    const lines = await send(good);
    expect(lines.map((line) => line.replace(/smoke-[\w-]{36}/, '<id>'))).toEqual([
      '<id> is accepted',
      '<id> waits for approval: reserveStock done',
      '<id> is undone: reserveStock undone',
      '<id>: its events have reached Service Bus',
    ]);
    expect(cancelled).toHaveLength(1);
  });

  it('waits until what it tells has left the outbox, and fails when it does not', async () => {
    expect((await send({ ...good, outbox: [1, 2, 0] })).at(-1)).toMatch(/have reached Service Bus$/);
    await app?.stop();
    await expect(send({ ...good, outbox: [1] }, '1')).rejects.toThrow(
      /^after 1 s events of smoke-\S+ have not reached Service Bus: order\.accepted \(waiting, 1 attempts\)/,
    );
  });

  it('passes a version that does not say what of its events is unsent', async () => {
    const instead = (request: string): Answer | undefined =>
      request.endsWith('/unsent-events') ? [404, { code: 'unknownRoute' }] : undefined;
    expect((await send({ ...good, instead })).at(-1)).toMatch(/does not say whether/);
  });

  it('cancels what an earlier one has left behind, and nothing that has ended or that another one may be sending', async () => {
    const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
    const leftOver = [
      { orderId: 'smoke-1', status: 'awaitingApproval', createdAt: at(20) },
      { orderId: 'smoke-2', status: 'compensated', createdAt: at(20) },
      { orderId: 'smoke-3', status: 'compensationFailed', createdAt: at(20) },
      { orderId: 'smoke-4', status: 'parked', createdAt: at(600) },
      { orderId: 'smoke-5', status: 'awaitingApproval', createdAt: at(1) },
    ];
    await send({ ...good, leftOver });
    expect(cancelled.slice(0, -1)).toEqual(['smoke-1', 'smoke-4']);
  });

  it('goes on when an instance is not there for a moment', async () => {
    let away = 0;
    const instead = (): Answer | undefined => {
      away += 1;
      return away % 2 === 1 ? [503, 'Service Unavailable'] : undefined;
    };
    expect(await send({ ...good, instead })).toHaveLength(4);
  });

  it.each<[string, Shop, RegExp]>([
    [
      'its order ends otherwise',
      {
        states: [
          { status: 'compensated', steps: [], reason: { code: 'unknownProduct', message: 'there is no such product' } },
        ],
      },
      /is compensated \(unknownProduct: there is no such product\), expected awaitingApproval: no step has begun/,
    ],
    [
      'its order is parked',
      { states: [{ status: 'parked', steps: reserved }] },
      /is parked, expected awaitingApproval/,
    ],
    ['its order stands still', { states: [{ status: 'accepted' }] }, /^after 1 s smoke-[\w-]+ is accepted, expected/],
    [
      'its stock stays reserved',
      { ...good, afterCancel: [{ status: 'compensated', steps: reserved }] },
      /has ended with its stock still reserved: reserveStock done/,
    ],
    [
      'it can’t be undone',
      { ...good, afterCancel: [{ status: 'compensationFailed', steps: reserved }] },
      /is compensationFailed, expected compensated: reserveStock done/,
    ],
    [
      'the order is refused',
      { ...good, instead: (request) => (request === 'POST /api/orders' ? [422, { title: 'no' }] : undefined) },
      /^the order was answered 422: no, expected 202$/,
    ],
    [
      'the app has no key for it',
      { ...good, instead: () => [401, ''] },
      /^the list of smoke orders was answered 401, expected 200$/,
    ],
    [
      'the host never comes back',
      { ...good, instead: () => [503, 'Service Unavailable'] },
      /^the list of smoke orders was answered 503: Service Unavailable, expected 200$/,
    ],
    [
      'it is answered something else',
      { ...good, instead: () => [200, { orders: [{ id: 1 }] }] },
      /^the list of smoke orders can't be read \([\s\S]*orderId[\s\S]*got \{"orders":\[\{"id":1\}\]\}/,
    ],
    ['it is answered a page', { ...good, instead: () => [200, '<html>'] }, /can't be read [\s\S]*got <html>/],
  ])('fails when %s', async (_what, shop, why) => {
    await expect(send(shop, '1')).rejects.toThrow(why);
  });

  it('leaves no order behind that waits for ever', async () => {
    await expect(send({ states: [{ status: 'accepted' }] }, '1')).rejects.toThrow(/is accepted/);
    expect(cancelled).toHaveLength(1);
  });

  it('says when nobody answers at all', async () => {
    const gone = await startAnswering(() => [200, '']);
    await gone.stop();
    await expect(runStep(smoke, ['--url', gone.url, '--within', '1'])).rejects.toThrow(
      `${gone.url} does not answer: Error: connect ECONNREFUSED`,
    );
  });
});
