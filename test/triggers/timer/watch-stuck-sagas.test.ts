import type { Timer } from '@azure/functions';
import { createPostgresImports } from '../../../src/adapters/postgres-imports';
import { createPostgresStuckSagas } from '../../../src/adapters/postgres-stuck-sagas';
import { orderIdSchema, returnIdSchema } from '../../../src/domain/ids';
import { watchStuckSagas } from '../../../src/triggers/timer/watch-stuck-sagas';
import { createFakeTaskHub } from '../../support/fake-task-hub';
import type { FakeTaskHub } from '../../support/fake-task-hub';
import { createInMemoryMailer } from '../../support/in-memory-mailer';
import type { InMemoryMailer } from '../../support/in-memory-mailer';
import { createContext } from '../../support/invoke';
import { createPostgresShop, startOrdersDatabase } from '../../support/orders-database';
import type { OrdersDatabase } from '../../support/orders-database';
import { sampleOrder, sampleReturn } from '../../support/sample-orders';

const HOUR = 3_600_000;
const timer = {} as Timer;
let db: OrdersDatabase;
let hub: FakeTaskHub;
let mailer: InMemoryMailer;

beforeAll(async () => {
  db = await startOrdersDatabase();
});
afterAll(() => db.stop());
beforeEach(async () => {
  await db.clear();
  await db.database.query('truncate imports, stuck_notices cascade');
  hub = createFakeTaskHub();
  mailer = createInMemoryMailer();
});

/** Runs the sweep; gives back the warnings. */
async function sweep(): Promise<string[]> {
  const { context, lines } = createContext();
  const run = watchStuckSagas({
    mailer,
    clock: db.clock,
    hubsOf: () => ({ own: hub.client }),
    stuckSagas: createPostgresStuckSagas(db.database, db.clock),
    opsEmail: 'ops@example.com',
    stuckAfter: HOUR,
    approvalTimeout: 24 * HOUR,
    pickUpTimeout: 48 * HOUR,
  });
  await run(timer, context);
  return lines.filter(({ level }) => level === 'warning').map(({ args }) => String(args[0]));
}

async function placeOrder(id: string): Promise<void> {
  await createPostgresShop(db).orders.accept(sampleOrder(id));
}

describe('the hourly sweep', () => {
  it('says each stuck saga once, in a warning and in one mail', async () => {
    await placeOrder('parked-1');
    await placeOrder('lost-1');
    const failure = { kind: 'error', code: 'error', message: 'the shelf is gone' };
    const parked = { name: 'releaseStock', key: 'k', failure, number: 1, what: 'undo', since: '', others: 0 };
    hub.put('parked-1', { customStatus: { saga: 'placeOrder', state: 'parked', pivot: 'none', steps: [], parked } });
    expect(await sweep()).toEqual([]);
    expect(mailer.sent).toEqual([]);

    db.clock.advance(2 * HOUR);
    expect(await sweep()).toEqual([
      'saga lost-1 is stuck: it was never started',
      'saga parked-1 is stuck: parked, waiting for an operator: releaseStock: the shelf is gone',
    ]);
    expect(mailer.sent).toEqual([
      expect.objectContaining({ to: 'ops@example.com', subject: '2 sagas wait longer than expected' }),
    ]);
    expect(mailer.sent[0]?.text).toContain('lost-1: it was never started');

    db.clock.advance(HOUR);
    await placeOrder('lost-2');
    db.clock.advance(2 * HOUR);
    expect(await sweep()).toEqual(['saga lost-2 is stuck: it was never started']);
    expect(mailer.sent.map(({ subject }) => subject)).toEqual([
      '2 sagas wait longer than expected',
      '1 saga waits longer than expected',
    ]);
  });

  it('says nothing of orders that have ended or await approval in time', async () => {
    const { orders } = createPostgresShop(db);
    await placeOrder('done');
    await placeOrder('waiting');
    await orders.settle(orderIdSchema.parse('done'), 'completed', undefined);
    await orders.markAwaitingApproval('key', orderIdSchema.parse('waiting'));
    hub.put('waiting', {});
    db.clock.advance(23 * HOUR);
    expect(await sweep()).toEqual([]);
    db.clock.advance(3 * HOUR);
    expect(await sweep()).toEqual(['saga waiting is stuck: it awaits approval past its deadline']);
  });

  it('says nothing of orders whose payment the bank may still decide about', async () => {
    const { orders } = createPostgresShop(db);
    await placeOrder('slow');
    await orders.markStarted(orderIdSchema.parse('slow'));
    const until = new Date(db.clock.now().getTime() + 72 * HOUR).toISOString();
    const waitingFor = { event: 'paymentDecided', since: '', until };
    hub.put('slow', { customStatus: { saga: 'placeOrder', state: 'waiting', pivot: 'none', steps: [], waitingFor } });
    db.clock.advance(72.5 * HOUR);
    expect(await sweep()).toEqual([]);
    db.clock.advance(HOUR);
    expect(await sweep()).toEqual(['saga slow is stuck: it waits for paymentDecided past its deadline']);
  });

  it('watches imports too', async () => {
    const imports = createPostgresImports(db.database, db.clock);
    await imports.begin({ importId: 'import:a:1', kind: 'orders', path: 'orders/a.csv', etag: '1' });
    await imports.begin({ importId: 'import:b:2', kind: 'products', path: 'products/b.csv', etag: '2' });
    db.clock.advance(5 * HOUR);
    hub.put('import:a:1', { name: 'importOrders', lastUpdatedTime: new Date(db.clock.now().getTime() - 1_000) });
    hub.put('import:b:2', { name: 'importProducts' });
    expect(await sweep()).toEqual(['saga import:b:2 is stuck: it does not get on']);
  });

  it('watches returns too', async () => {
    await placeOrder('o1');
    const { orders, returns } = createPostgresShop(db);
    await orders.settle(orderIdSchema.parse('o1'), 'completed', undefined);
    for (const id of ['o1.stuck', 'o1.waiting']) {
      await returns.accept(sampleReturn(id));
      await returns.markStarted(returnIdSchema.parse(id));
      hub.put(id, { name: 'returnOrder', customStatus: { saga: 'returnOrder', state: 'running', steps: [] } });
    }
    await returns.markAwaitingPickUp('wait', returnIdSchema.parse('o1.waiting'));
    db.clock.advance(2 * HOUR);
    expect(await sweep()).toEqual(['saga o1.stuck is stuck: it does not get on']);
    db.clock.advance(48 * HOUR);
    expect(await sweep()).toEqual(['saga o1.waiting is stuck: it awaits its pick-up past its deadline']);
  });

  it('sends a mail that failed again, the same one', async () => {
    await placeOrder('lost-1');
    db.clock.advance(2 * HOUR);
    mailer.failNext('after');
    await expect(sweep()).rejects.toThrow('failed on purpose');
    db.clock.advance(HOUR);
    expect(await sweep()).toEqual([]);
    expect(mailer.sent).toHaveLength(2);
    expect(mailer.sent[1]).toEqual(mailer.sent[0]);
  });

  it('goes through any number of waiting sagas', async () => {
    await createPostgresShop(db).orders.acceptMany(Array.from({ length: 450 }, (_, n) => sampleOrder(`lost-${n}`)));
    db.clock.advance(2 * HOUR);
    expect(await sweep()).toHaveLength(450);
    expect(mailer.sent.map(({ subject }) => subject)).toEqual(['450 sagas wait longer than expected']);
  });
});
