import { startEmulator } from 'service-bus-emulator';
import type { Emulator } from 'service-bus-emulator';
import { createOutboxRelay } from '../../src/adapters/outbox-relay';
import { connectServiceBus } from '../../src/adapters/service-bus-connection';
import type { ServiceBusConnection } from '../../src/adapters/service-bus-connection';
import { createServiceBusPublisher } from '../../src/adapters/service-bus-publisher';
import { startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';

/** The outbox's way to Service Bus with every part real: what the broker refuses stays in the outbox, and says why. */
let db: OrdersDatabase;
let emulator: Emulator;
let connection: ServiceBusConnection;

beforeAll(async () => {
  db = await startOrdersDatabase();
  emulator = await startEmulator({
    config: { queues: [], topics: [{ name: 'there', subscriptions: [{ name: 'all' }] }] },
  });
  connection = connectServiceBus({ connectionString: emulator.connectionString });
}, 120_000);
afterAll(async () => {
  await (connection as ServiceBusConnection | undefined)?.close();
  await (emulator as Emulator | undefined)?.close();
  await (db as OrdersDatabase | undefined)?.stop();
});
beforeEach(() => db.clear());

function createRelay() {
  const warnings: string[] = [];
  const publisher = createServiceBusPublisher(connection);
  const warn = (message: string) => void warnings.push(message);
  return { warnings, relay: createOutboxRelay({ outbox: db.outbox, database: db.database, publisher, warn }) };
}

const put = (id: string, topic: string, payload: string) =>
  db.database.transaction((tx) => db.outbox.put(tx, { id, topic, payload }));
const states = async () => (await db.database.query('select id, state from saga_outbox order by id')).rows;
const arrived = () => emulator.broker.peek('there/Subscriptions/all', 1, 10).map(({ messageId }) => messageId);

describe('the way of the outbox to Service Bus', () => {
  it('gives up a message that is too large, says so, and brings the others', async () => {
    const { relay, warnings } = createRelay();
    await put('a', 'there', 'small');
    await put('b', 'there', 'x'.repeat(300_000));
    await put('c', 'there', 'small too');
    expect(await relay.relay()).toMatchObject({ sent: 2, dead: 1 });
    expect(arrived()).toEqual(['a', 'c']);
    expect(await states()).toEqual([
      { id: 'a', state: 'sent' },
      { id: 'b', state: 'dead' },
      { id: 'c', state: 'sent' },
    ]);
    expect(warnings).toEqual([
      expect.stringMatching(/^1 messages of the outbox are given up and stay there: b: there: MessageSizeExceeded: /),
    ]);
  });

  it('keeps what is for a topic that is not there, says so, and brings it when there is one', async () => {
    const { relay, warnings } = createRelay();
    await put('early', 'missing', 'waits');
    expect(await relay.relay()).toMatchObject({ sent: 0, failed: 1, dead: 0 });
    expect(await states()).toEqual([{ id: 'early', state: 'pending' }]);
    expect(warnings).toEqual([
      expect.stringMatching(/are tried again later: early: missing: MessagingEntityNotFound: /),
    ]);
    emulator.broker.createTopic('missing');
    emulator.broker.createSubscription('missing', { name: 'all' });
    db.clock.advance(60_000);
    expect(await relay.relay()).toMatchObject({ sent: 1 });
    expect(emulator.broker.peek('missing/Subscriptions/all', 1, 10)).toMatchObject([{ messageId: 'early' }]);
  });
});
