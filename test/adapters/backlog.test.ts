import type { Publisher } from 'durable-saga/postgres';
import { createOutboxRelay } from '../../src/adapters/outbox-relay';
import { countUnfinished, listUnsentEvents, lookAtBacklog } from '../../src/adapters/postgres-backlog';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import type { SagaEnd } from '../../src/adapters/postgres-order-events';
import { createPostgresImports } from '../../src/adapters/postgres-imports';
import { createPostgresOrders } from '../../src/adapters/postgres-orders';
import { createPostgresDeadLetters } from '../../src/adapters/postgres-dead-letters';
import { createPostgresStuckSagas } from '../../src/adapters/postgres-stuck-sagas';
import { orderIdSchema } from '../../src/domain/ids';
import { createPostgresShop, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';
import { sampleDeadLetter } from '../support/sample-dead-letters';
import { sampleOrder, sampleReturn, tea } from '../support/sample-orders';

let db: OrdersDatabase;
beforeAll(async () => {
  db = await startOrdersDatabase();
}, 120_000);
afterAll(() => db.stop());

const id = (text: string) => orderIdSchema.parse(text);

it('what is measured is what the rows say', async () => {
  const ends: SagaEnd[] = [];
  const headers = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  const telling = { headers: () => headers, ended: (end: SagaEnd) => void ends.push(end) };
  const events = createOrderEvents(db.outbox, () => {}, telling);
  const orders = createPostgresOrders(db.database, db.ledger, db.clock, events);
  const acceptedAt = db.clock.now();
  for (const name of ['ended', 'parked', 'stuck', 'fine']) {
    await orders.accept(sampleOrder(name, [[tea, 1]]));
    db.clock.advance(60_000);
  }
  for (let n = 0; n < 2; n += 1)
    await orders.settle(id('ended'), 'compensated', { code: 'cancelled', message: 'by Ann' });
  await orders.markParked('k', id('parked'), { code: 'x', message: 'x' });
  await createPostgresStuckSagas(db.database, db.clock).note('m', [{ instanceId: 'stuck', reason: 'it waits' }]);
  await createPostgresDeadLetters(db.database, db.clock).keep(sampleDeadLetter('a'));
  const imports = createPostgresImports(db.database, db.clock);
  await imports.begin({ importId: 'i-1', kind: 'orders', path: 'orders/a.csv', etag: '0x1' });

  expect(ends).toEqual([{ saga: 'placeOrder', outcome: 'compensated', reason: 'cancelled', acceptedAt }]);
  const { rows } = await db.database.query<{ headers: string }>('select headers from saga_outbox');
  expect(rows.map((row) => JSON.parse(row.headers) as unknown)).toContainEqual(
    expect.objectContaining({ ...headers, subject: 'order.compensated' }),
  );
  const none = { running: 0, parked: 0, stuck: 0, oldest: undefined };
  expect(await lookAtBacklog(db.database)).toEqual({
    sagas: [
      { saga: 'importOrders', running: 1, parked: 0, stuck: 0, oldest: db.clock.now() },
      { saga: 'importProducts', ...none },
      { saga: 'placeOrder', running: 3, parked: 1, stuck: 1, oldest: new Date(acceptedAt.getTime() + 60_000) },
      { saga: 'returnOrder', ...none },
    ],
    outbox: { waiting: 5, oldest: acceptedAt },
    deadLetters: [{ reason: 'invalid_message', team: 'senders', open: 1 }],
  });
});

it('what a task hub has not done with is told by hub, rows without one to everybody', async () => {
  await db.clear();
  await db.database.query('truncate imports cascade');
  const shop = createPostgresShop(db);
  await shop.orders.acceptMany([sampleOrder('b1', [[tea, 1]]), sampleOrder('b2', [[tea, 1]])], 'blue');
  await shop.orders.accept(sampleOrder('g1', [[tea, 1]]), 'green');
  await shop.orders.settle(id('b2'), 'completed', undefined);
  await shop.returns.accept(sampleReturn('b2.r1'), 'green');
  const imports = createPostgresImports(db.database, db.clock);
  await imports.begin({ importId: 'i', kind: 'orders', path: 'a.csv', etag: '1' });
  await imports.claim({ importId: 'j', kind: 'orders', path: 'b.csv', etag: '1' }, 'blue');
  await imports.finish('j', undefined);
  expect(await countUnfinished(db.database, 'blue')).toEqual({ orders: 1, returns: 0, imports: 1 });
  expect(await countUnfinished(db.database, 'green')).toEqual({ orders: 1, returns: 1, imports: 1 });
});

it('what the broker has not taken is told by order, until it has', async () => {
  await db.clear();
  const { orders } = createPostgresShop(db);
  const since = db.clock.now();
  await orders.accept(sampleOrder('o1', [[tea, 1]]));
  await orders.accept(sampleOrder('o2', [[tea, 1]]));
  const relayTo = (publisher: Publisher) =>
    createOutboxRelay({ outbox: db.outbox, database: db.database, publisher, warn: () => undefined }).relay();
  await relayTo({ publish: () => Promise.reject(new Error('no connection')) });
  const waiting = { event: 'order.accepted', state: 'waiting', since, attempts: 1 };
  expect(await listUnsentEvents(db.database, id('o1'))).toEqual([waiting]);
  db.clock.advance(3_600_000);
  await relayTo({ publish: async (messages) => messages.map(() => ({ ok: true }) as const) });
  expect(await listUnsentEvents(db.database, id('o1'))).toEqual([]);
});
