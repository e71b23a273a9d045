import type { Publisher } from 'durable-saga/postgres';
import type { PoolClient } from 'pg';
import { StepFailure } from 'durable-saga';
import { operate, sagas } from './docs/client';
import { compose } from './docs/app';
import { bookHotel, bookTrip } from './docs/children';
import { paths, picture } from './docs/diagrams';
import { addItem, cart } from './docs/events';
import { exploreOnTwoCores, exploreOrders, loseThePayment } from './docs/exploring';
import { checkBalance, donate, pay } from './docs/failures';
import { basket } from './docs/groups';
import { reserveOnce } from './docs/ledger';
import { newsletter } from './docs/long';
import { composeRoutes } from './docs/operators';
import { charge, order, reserve, ship } from './docs/order';
import { decide, tellOperators, tellOutcome } from './docs/parking';
import type { Ports } from './docs/ports';
import { bookShipment, relayShipments } from './docs/outbox';
import { undoTerminated } from './docs/recovery';
import { hold, sendMail, subscribe } from './docs/steps';
import { bigOrder } from './docs/waiting';
import { captureFunctions, hostedFunctions } from './support/functions-core';
import { createSagaHost } from '../src/testing';
import { SimulatedHost } from '../src/testing/simulated-host';
import { startSagaDatabase } from './support/saga-database';
import { MODES } from '../src/testing/turns';
import { sagaClients } from '../src';

/** The sagas of the documentation do what it says, in every way that a host may run them. */

const all = sagaClients({ order, bigOrder, subscribe, donate, basket, bookTrip, cart, newsletter });

/** A business that notes what was asked of it; `refuse` names a call that is refused for sure, `break` one that fails. */
function createBusiness() {
  const calls: string[] = [];
  const trouble: { refuse?: string; break?: string } = {};
  const note = <T>(call: string, result: T): Promise<T> => {
    calls.push(call);
    const [name] = call.split(' ');
    if (name === trouble.refuse) {
      return Promise.reject(new StepFailure({ code: 'declined', message: 'refused', effect: 'none' }));
    }
    if (name === trouble.break) return Promise.reject(new Error('unreachable'));
    return Promise.resolve(result);
  };
  const ports: Ports = {
    stock: {
      take: (sku, key) => note(`take ${sku} ${key}`, undefined),
      putBack: (key) => note(`putBack ${key}`, undefined),
    },
    bank: {
      hold: (_card, amount, key) => note(`hold ${amount} ${key}`, { holdId: `H-${key}` }),
      release: (key, holdId) => note(`release ${key} ${holdId}`, undefined),
      charge: (_card, amount, key) => note(`charge ${amount} ${key}`, undefined),
      balance: (account) => note(`balance ${account}`, 500),
    },
    carrier: { collect: (sku, key) => note(`collect ${sku} ${key}`, undefined) },
    mail: { send: (to, text, key) => note(`mail ${to} '${text}' ${key}`, undefined) },
  };
  return { calls, trouble, ports };
}

describe.each(MODES)('the sagas of the documentation (%s)', (mode) => {
  function open() {
    const business = createBusiness();
    const activities = [reserve, charge, ship, hold, sendMail, checkBalance, pay, tellOperators, tellOutcome];
    const host = createSagaHost({
      ports: business.ports,
      sagas: [order, bigOrder, subscribe, donate, basket, bookHotel, bookTrip, cart, newsletter],
      activities,
      mode,
    }).durable;
    return { ...business, host, sagas: all(host) };
  }
  const bought = { sku: 'apple', card: '4242', amount: 600 };

  it('take the stock, the money, and ship', async () => {
    const { host, sagas, calls } = open();
    const handle = await sagas.order.start(bought, { id: 'o-1' });
    await host.run();
    expect((await handle.status())?.outcome).toEqual({ outcome: 'completed' });
    expect(calls).toEqual(['take apple o-1/reserve#1', 'charge 600 o-1/charge#1', 'collect apple o-1/ship#1']);
  });

  it('give the stock back when the card is declined', async () => {
    const { host, sagas, calls, trouble } = open();
    trouble.refuse = 'charge';
    const handle = await sagas.order.start(bought, { id: 'o-1' });
    await host.run();
    expect((await handle.status())?.outcome).toMatchObject({ outcome: 'compensated', failure: { code: 'declined' } });
    expect(calls).toEqual(['take apple o-1/reserve#1', 'charge 600 o-1/charge#1', 'putBack o-1/reserve#1']);
  });

  it('undo with the output where it is known', async () => {
    const { host, sagas, calls, trouble } = open();
    trouble.refuse = 'charge';
    await sagas.subscribe.start({ email: 'a@example.com', card: '4242' }, { id: 's-1' });
    await host.run();
    expect(calls).toContain("mail a@example.com 'we hold 5.00 as H-s-1/hold#1' s-1/sendMail#1");
    expect(calls.at(-1)).toBe('release s-1/hold#1 H-s-1/hold#1');
  });

  it('end by a declared failure, and go another way when a step fails', async () => {
    const { host, sagas, calls, trouble } = open();
    const poor = await sagas.donate.start({ account: 'a', to: 'a@example.com', amount: 600 }, { id: 'd-1' });
    await host.run();
    expect((await poor.status())?.outcome).toMatchObject({ failure: { code: 'noCredit' } });
    trouble.break = 'mail';
    const other = await sagas.donate.start({ account: 'a', to: 'a@example.com', amount: 300 }, { id: 'd-2' });
    await host.run();
    expect((await other.status())?.state).toBe('completed');
    expect(calls.filter((call) => call.includes('d-2/sendMail'))).toHaveLength(2);
    expect(calls).toContain('hold 1 d-2/hold#1');
  });

  it('wait for an approval, and tell how they ended', async () => {
    const { host, sagas, calls } = open();
    const input = { ...bought, boss: 'boss@example.com' };
    const handle = await sagas.bigOrder.start(input, { id: 'b-1' });
    await host.run({ until: host.now + 1_000 });
    expect((await handle.status())?.waitingFor?.event).toBe('approval');
    await handle.raise('approval', { approved: true, by: 'Ada' });
    await host.run();
    expect((await handle.status())?.state).toBe('completed');
    expect(calls.at(-1)).toBe("mail books@example.com 'bigOrder b-1 completed' b-1/tellOutcome#1");
    const late = await sagas.bigOrder.start(input, { id: 'b-2' });
    await host.run();
    expect((await late.status())?.outcome).toMatchObject({ failure: { code: 'tooLate' } });
    expect(calls).toContain('putBack b-2/reserve#1');
  });

  it('park, tell the operators, and go on by their word', async () => {
    const { host, sagas, calls, trouble } = open();
    trouble.break = 'collect';
    const handle = await sagas.bigOrder.start({ ...bought, boss: 'boss@example.com' }, { id: 'b-1' });
    await handle.raise('approval', { approved: true, by: 'Ada' });
    await host.run();
    expect((await handle.status())?.state).toBe('parked');
    expect(calls).toContain("mail ops@example.com 'bigOrder b-1 waits at b-1/ship#1: unreachable' b-1/tellOperators#1");
    delete trouble.break;
    await decide(handle);
    await host.run();
    expect((await handle.status())?.state).toBe('completed');
  });

  it('run groups, branches and races', async () => {
    const { host, sagas, calls } = open();
    const lines = [
      { sku: 'apple', to: 'a@example.com' },
      { sku: 'pear', to: 'b@example.com' },
    ];
    const input = { skus: ['apple', 'pear'], card: '4242', lines };
    const handle = await sagas.basket.start(input, { id: 'g-1' });
    await host.run();
    const holdId = 'H-g-1/hold#1';
    expect((await handle.status())?.outcome).toEqual({ outcome: 'completed', result: { sent: 2, holdId } });
    expect(calls.filter((call) => call.startsWith('take '))).toHaveLength(4);
    expect(host.instance('g-1').openTimers).toBe(0);
  });

  it('undo what their children did', async () => {
    const { host, sagas, calls, trouble } = open();
    trouble.refuse = 'charge';
    const handle = await sagas.bookTrip.start({ hotels: ['Ritz', 'Plaza'], card: '4242' }, { id: 't-1' });
    await host.run();
    expect((await handle.status())?.state).toBe('compensated');
    expect(calls.filter((call) => call.startsWith('release '))).toHaveLength(2);
    expect(calls).toContain('putBack t-1:bookHotel:Ritz/reserve#1');
  });

  it('are recovered when somebody terminated them', async () => {
    const { host, sagas, calls } = open();
    const handle = await sagas.bigOrder.start({ ...bought, boss: 'boss@example.com' }, { id: 'b-1' });
    await host.run({ until: host.now + 1_000 });
    expect(await undoTerminated(handle)).toBe('not to be recovered: waiting, pivot none');
    host.terminate('b-1', 'by hand');
    let said: string | undefined;
    void undoTerminated(handle).then((text) => (said = text));
    while (said === undefined) {
      await host.run({ until: host.now + 1_000 });
      await new Promise(setImmediate);
    }
    expect(said).toBe('1 undone: compensated');
    expect(calls).toContain('putBack b-1/reserve#1');
    expect(calls.at(-1)).toBe(
      "mail books@example.com 'bigOrder b-1 compensated because of terminated' b-1/tellOutcome#recover",
    );
  });

  it('go on in a new history, and lose no event', async () => {
    const { host, sagas, calls } = open();
    const handle = await sagas.newsletter.start({}, { id: 'n-1' });
    for (let n = 1; n <= 250; n += 1) await handle.raise('reader', { email: `r${n}@example.com` });
    await host.run();
    expect((await handle.status())?.outcome).toEqual({ outcome: 'completed', result: { sent: 250 } });
    expect(calls.map((call) => call.split(' ')[1])).toEqual(
      Array.from({ length: 250 }, (_, n) => `r${n + 1}@example.com`),
    );
  });

  it('take every event in order', async () => {
    const { host, sagas, calls } = open();
    const handle = await sagas.cart.start({ card: '4242' }, { id: 'c-1' });
    for (const sku of ['apple', 'pear', 'apple']) await handle.raise('item', { sku });
    for (const sku of ['plum', 'plum']) await addItem(sagas.cart, 'c-1', { id: 'm-1', sku });
    await host.run({ until: host.now + 1_000 });
    await handle.raise('checkout', {});
    await host.run();
    expect((await handle.status())?.outcome).toEqual({ outcome: 'completed', result: { items: 4 } });
    expect(calls.filter((call) => call.startsWith('take ')).map((call) => call.split(' ')[1])).toEqual([
      'apple',
      'pear',
      'apple',
      'plum',
    ]);
    expect(calls.at(-1)).toContain('charge 400');
  });
});

describe('the rest of the documentation', () => {
  const silent = (): void => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
  };

  it('registers and operates as it says', async () => {
    silent();
    const { ports, calls } = createBusiness();
    const registered = captureFunctions(() => compose(ports));
    const own = [...registered.keys()].filter((name) => !name.startsWith('durableSaga'));
    expect(own).toEqual(['reserve', 'reserve_undo', 'charge', 'ship', 'order', 'placeOrder']);
    const host = new SimulatedHost({ functions: hostedFunctions(registered) });
    await operate(host as never, 'o-1');
    expect((await sagas(host).order.get('o-1').status())?.state).toBe('completed');
    expect(calls).toHaveLength(3);
  });

  it('gives operators their routes', () => {
    expect([...captureFunctions(composeRoutes).keys()].sort()).toEqual(
      [
        'cancelSaga',
        'listSagas',
        'raiseSagaEvent',
        'recoverSaga',
        'resolveSaga',
        'resolveSagaRecovery',
        'showSaga',
        'showSagaRecovery',
      ].sort(),
    );
  });

  it('draws a saga along its paths', () => {
    expect(paths.map(({ ends }) => ends)).toEqual(['completed', 'compensated', 'compensated']);
    expect(picture).toContain('charge{{"charge<br/>no way back from here"}}:::pivot');
    expect(picture).toContain('-->|"not in time"| fail_tooLate');
  });

  it('explores a saga in every way that it can fail', async () => {
    const { summary, violations, coverage } = await exploreOrders();
    expect(summary).toMatch(/^order: [\d,]+ schedules, 0 violations, [\d.]+ s$/);
    expect(violations).toBe(0);
    for (const { struck } of coverage.kinds) expect(struck).toBeGreaterThan(0);
    expect((await exploreOnTwoCores()).coverage).toEqual(coverage);
    const run = await loseThePayment();
    expect(run.met).toHaveLength(2);
    expect(run.books).toEqual({ taken: 1, paid: 600, shipped: 1 });
  }, 120_000);

  it('has its effect and its undo once, in the database', async () => {
    const database = await startSagaDatabase();
    try {
      await database.pool.query("create table products as select 'apple' as sku, 5 as stock");
      const bound = reserveOnce.bind({ database: { transaction: (work) => database.transaction(work) } });
      const call = (attempt: number) => ({
        $step: { key: 'o-1/reserveOnce#1', instanceId: 'o-1', attempt },
        input: { sku: 'apple' },
      });
      const seam = { client: undefined, log: () => undefined, warn: () => undefined };
      expect(await bound.run(call(1), seam)).toMatchObject({ ok: true, value: { left: 4 } });
      expect(await bound.run(call(2), seam)).toMatchObject({ ok: true, value: { left: 4 } });
      expect(await bound.undo(call(1), seam)).toMatchObject({ ok: true });
      expect(await bound.undo(call(2), seam)).toMatchObject({ ok: true });
      expect((await database.pool.query('select stock from products')).rows).toEqual([{ stock: 5 }]);
      expect(await bound.run(call(3), seam)).toMatchObject({ ok: false, failure: { code: 'undone' } });

      await database.pool.query('create table shipments (order_id text)');
      const ports = {
        database: { transaction: <T>(work: (tx: PoolClient) => Promise<T>) => database.transaction(work) },
      };
      const shipment = bookShipment.bind(ports);
      const ask = { $step: { ...call(1).$step, key: 'o-1/bookShipment#1' }, input: { orderId: 'o-1' } };
      for (let attempt = 1; attempt <= 2; attempt += 1)
        expect(await shipment.run(ask, seam)).toMatchObject({ ok: true });
      const published: string[] = [];
      const publisher: Publisher = {
        publish(messages) {
          published.push(...messages.map(({ id }) => id));
          return Promise.resolve(messages.map(() => ({ ok: true })));
        },
      };
      expect(await relayShipments(ports.database, publisher)).toMatchObject({ sent: 1, dead: 0 });
      expect(published).toEqual(['o-1/bookShipment#1']);
    } finally {
      await database.stop();
    }
  }, 120_000);
});
