import { createOutboxRelay } from '../../src/adapters/outbox-relay';
import { createPostgresEventReaders } from '../../src/adapters/postgres-event-readers';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import { createPostgresOrders } from '../../src/adapters/postgres-orders';
import { createPostgresReturns } from '../../src/adapters/postgres-returns';
import { orderIdSchema, returnIdSchema } from '../../src/domain/ids';
import { orderEventSchema } from '../../src/domain/order-event';
import type { OrderEvent } from '../../src/domain/order-event';
import { RecordingPublisher } from '../../packages/durable-saga/src/contracts/recording-publisher';
import { createPostgresShop, startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';
import { sampleOrder, sampleReturn, tea } from '../support/sample-orders';

let db: OrdersDatabase;
beforeAll(async () => {
  db = await startOrdersDatabase();
}, 120_000);
afterAll(() => db.stop());
beforeEach(() => db.clear());

const o1 = orderIdSchema.parse('o1');

/** Adapters that tell what happens, and a relay that is called by nobody but them. */
function createTelling(publisher = new RecordingPublisher()) {
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const relay = createOutboxRelay({ outbox: db.outbox, publisher, database: db.database, warn });
  const events = createOrderEvents(db.outbox, () => relay.soon());
  const orders = createPostgresOrders(db.database, db.ledger, db.clock, events);
  const returns = createPostgresReturns(db.database, db.ledger, db.clock, events);
  const told = (): OrderEvent[] => publisher.messages.map(({ payload }) => orderEventSchema.parse(payload));
  return { orders, returns, relay, publisher, warnings, told };
}

describe('what happens to orders and returns', () => {
  it('is told once, in order, with the order as the ordering key', async () => {
    const { orders, returns, relay, publisher, told } = createTelling();
    await orders.accept(sampleOrder('o1', [[tea, 2]]));
    await orders.accept(sampleOrder('o1', [[tea, 2]]));
    await orders.markApproved('o1/recordApproval#1', o1, { code: 'approved', message: 'by Ann' });
    await orders.markApproved('o1/recordApproval#1', o1, { code: 'approved', message: 'by Ann' });
    await orders.settle(o1, 'completed', undefined);
    await orders.settle(o1, 'compensated', { code: 'late', message: 'too late' });
    const r = returnIdSchema.parse('o1.r');
    await returns.accept(sampleReturn('o1.r'));
    await returns.settle(r, 'compensated', { code: 'notCollected', message: 'nobody was there' });
    await relay.idle();
    expect(publisher.ids).toEqual(['o1/accepted', 'o1/approved', 'o1/completed', 'o1.r/accepted', 'o1.r/compensated']);
    expect(new Set(publisher.messages.map(({ orderingKey }) => orderingKey))).toEqual(new Set(['o1']));
    expect(publisher.messages[2]).toMatchObject({
      topic: 'order-events',
      headers: { subject: 'order.completed', schemaVersion: '1' },
    });
    expect(told()[2]).toEqual({
      id: 'o1/completed',
      type: 'order.completed',
      schemaVersion: 1,
      at: db.clock.now().toISOString(),
      orderId: 'o1',
      customerId: 'ALFKI',
      currency: 'usd',
      total: 3_700,
      lines: [{ sku: 'tea', quantity: 2 }],
    });
    expect(told()[4]).toMatchObject({ returnId: r, reason: { code: 'notCollected', message: 'nobody was there' } });
  });

  it('is told by imports too, and of none that was refused', async () => {
    const { orders, relay, publisher } = createTelling();
    await orders.accept(sampleOrder('a'));
    await orders.acceptMany([sampleOrder('a', [[tea, 2]]), sampleOrder('b'), sampleOrder('b'), sampleOrder('c')]);
    await relay.idle();
    expect([...publisher.ids].sort()).toEqual(['a/accepted', 'b/accepted', 'c/accepted']);
  });

  it('says what came back with a return', async () => {
    const { catalogue, orders, returns, returnedItems } = createPostgresShop(db);
    const { relay, told } = createTelling();
    const r = returnIdSchema.parse('o1.r');
    await catalogue.put('catalogue', [tea]);
    await orders.accept(sampleOrder('o1', [[tea, 2]]));
    await returns.accept(sampleReturn('o1.r', [[tea, 2]]));
    await returnedItems.claim('o1.r/claimItems#1', r);
    await returnedItems.accept('o1.r/acceptReturn#1', r, [{ sku: tea.sku, quantity: 1 }]);
    await returns.settle(r, 'completed', undefined);
    await relay.relay();
    expect(told().at(-1)).toMatchObject({
      type: 'return.completed',
      lines: [{ sku: 'tea', quantity: 1 }],
      refunded: 1_850,
    });
  });

  it('waits in the outbox, and says so, while the broker is away', async () => {
    const broker = { isAway: true };
    const { orders, relay, publisher, warnings } = createTelling(
      new RecordingPublisher(() => (broker.isAway ? { ok: false, error: 'Service Bus is away' } : { ok: true })),
    );
    await orders.accept(sampleOrder('o1'));
    await relay.idle();
    expect(warnings).toEqual([
      '1 messages of the outbox could not be published and are tried again later: o1/accepted: Service Bus is away',
    ]);
    broker.isAway = false;
    expect(await relay.relay()).toMatchObject({ sent: 0 });
    db.clock.advance(60_000);
    expect(await relay.relay()).toMatchObject({ sent: 1 });
    expect(publisher.ids).toEqual(['o1/accepted', 'o1/accepted']);
  });
});

describe('readers of events', () => {
  const event = (id: string, type: 'order.completed' | 'order.compensated'): OrderEvent =>
    orderEventSchema.parse({
      ...{ id, type, schemaVersion: 1, at: '2026-01-05T23:59:59.000Z', orderId: 'o1', customerId: 'ALFKI' },
      ...{ currency: 'usd', total: 500, lines: [{ sku: 'tea', quantity: 2 }] },
    });

  it('count each once a day and type, however often it comes', async () => {
    const readers = createPostgresEventReaders(db.database, db.ledger);
    const answers = [];
    for (const id of ['a', 'b', 'a', 'a']) answers.push(await readers.count(event(id, 'order.completed')));
    await Promise.all([1, 2, 3].map(() => readers.count(event('c', 'order.compensated'))));
    expect(answers).toEqual([true, true, false, false]);
    const { rows } = await db.database.query(
      'select day::text, type, count::integer, amount::integer from event_counts order by type',
    );
    expect(rows).toEqual([
      { day: '2026-01-05', type: 'order.compensated', count: 1, amount: 500 },
      { day: '2026-01-05', type: 'order.completed', count: 2, amount: 1_000 },
    ]);
  });

  it('note what left the warehouse once', async () => {
    const readers = createPostgresEventReaders(db.database, db.ledger);
    const completed = event('a', 'order.completed');
    if (completed.type !== 'order.completed') throw new Error('expected a completed order');
    expect([await readers.recordMovements(completed), await readers.recordMovements(completed)]).toEqual([true, false]);
    const { rows } = await db.database.query('select event_id, sku, quantity, order_id from stock_movements');
    expect(rows).toEqual([{ event_id: 'a', sku: 'tea', quantity: -2, order_id: 'o1' }]);
  });

  it('mail again after a mail that failed, and not after one that went out', async () => {
    const readers = createPostgresEventReaders(db.database, db.ledger);
    const sent: string[] = [];
    const failing = () => Promise.reject(new Error('the mail server is away'));
    await expect(readers.mail(event('a', 'order.compensated'), failing)).rejects.toThrow('the mail server is away');
    const send = async () => {
      const { rows } = await db.database.query(
        `select query from pg_stat_activity where datname = 'orders' and state like 'idle in transaction%'`,
      );
      // A mail server may take longer than a transaction may.
      expect(rows).toEqual([]);
      sent.push('a');
    };
    expect(await readers.mail(event('a', 'order.compensated'), send)).toBe(true);
    expect(await readers.mail(event('a', 'order.compensated'), send)).toBe(false);
    expect(sent).toEqual(['a']);
  });
});
