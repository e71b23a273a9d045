import { setTimeout as wait } from 'node:timers/promises';
import { ServiceBusClient } from '@azure/service-bus';
import { connectDatabase } from '../../src/adapters/postgres-database';
import type { Database } from '../../src/adapters/postgres-database';
import { createBank } from '../support/bank';
import { readCrashSettings } from '../support/crash-settings';
import { findHostProcess, findServiceBus, killAtRandom } from '../support/kill-processes';
import { randomNumbers } from '../support/random-numbers';
import { startApp, until } from '../support/running-app';
import type { RunningApp } from '../support/running-app';
import { readJson } from '../support/start-stand-ins';

/*
 * Orders come as messages while the host and the Service Bus are killed again and again, at moments that nobody chose.
 * Afterwards each order has had its saga once, each event of each order has been published, and its readers, who know
 * an event by its id, have had each of them once. Some are paid by slow banks, whose decisions come as messages too, more than once.
 *
 * CRASH_ORDERS, CRASH_HOST_KILLS and CRASH_BROKER_KILLS make it longer.
 */

const { seed, counts, onOutput } = readCrashSettings({ ORDERS: 30, HOST_KILLS: 2, BROKER_KILLS: 2 });
const { ORDERS: orderCount, HOST_KILLS: hostKills, BROKER_KILLS: brokerKills } = counts;
const PATIENCE_MS = 120_000 + 30_000 * (hostKills + brokerKills) + 500 * orderCount;
const LONGEST_PAUSE_MS = 3_000;
const LONGEST_LEAVE_MS = 2_000;
const prefix = `m${seed}-`;

let app: RunningApp;
let database: Database;

beforeAll(async () => {
  app = await startApp({
    env: { START_GRACE: '5 seconds' },
    onOutput,
  });
  database = connectDatabase({ url: app.settings['DATABASE_URL'] ?? '', poolSize: 2 });
}, 120_000);
afterAll(async () => {
  // Undefined when it didn't start, whatever its type says.
  await (database as Database | undefined)?.close();
  expect(await (app as RunningApp | undefined)?.stop()).toBe(0);
}, 60_000);

/** Sends until the broker has said that it has it: it may be dead at the moment, or die before it says so. */
async function sendSurely(messageId: string, body: string): Promise<void> {
  await until(`message ${messageId} is sent`, PATIENCE_MS, async () => {
    const client = new ServiceBusClient(app.settings['ServiceBusConnection']!, {
      retryOptions: { maxRetries: 0, timeoutInMs: 3_000 },
    });
    try {
      await client.createSender('orders').sendMessages({ messageId, body: Buffer.from(body) });
      return true;
    } catch {
      return undefined;
    } finally {
      // Not waited for long: a client whose broker dies while it takes its leave notices that after a minute.
      await Promise.race([client.close(), wait(LONGEST_LEAVE_MS)]);
    }
  });
}

/** What pays every fifth order. */
const METHODS = ['pm_card_visa', 'pm_processing_700', 'pm_card_visa', 'pm_processing_declined_700', 'pm_card_declined'];
const isDeclined = (index: number): boolean => (METHODS[index % METHODS.length] ?? '').includes('declined');

const orderBody = (orderId: string, index: number): string =>
  JSON.stringify({
    orderId,
    customerId: 'ALFKI',
    email: 'maria@example.com',
    paymentMethod: METHODS[index % METHODS.length],
    lines: [{ sku: 'coffee', quantity: 1 }],
  });

async function query<Row extends Record<string, unknown>>(sql: string): Promise<Row[]> {
  return (await database.query<Row>(sql, [`${prefix}%`])).rows;
}

describe(`orders that come as messages, while the host is killed ${hostKills} times and Service Bus ${brokerKills} times`, () => {
  it(
    `run once each, and what happens to them is told once (CRASH_SEED=${seed})`,
    async () => {
      const killing = killAtRandom({
        app,
        targets: [
          { find: findHostProcess, times: hostKills },
          { find: findServiceBus, times: brokerKills },
        ],
        random: randomNumbers(seed),
        longestPauseMs: LONGEST_PAUSE_MS,
      });
      for (let index = 0; index < orderCount; index += 1) {
        const orderId = `${prefix}${index}`;
        await sendSurely(orderId, orderBody(orderId, index));
        // The same order in another message, and one that is no order.
        if (index % 3 === 0) await sendSurely(`${orderId}-again`, orderBody(orderId, index));
        if (index % 10 === 0) await sendSurely(`${orderId}-broken`, `{"orderId": "${orderId}-broken", `);
      }
      await killing;
      const bank = createBank(app.settings['PAYMENT_PROVIDER_URL']!);
      for (let index = 0; index < orderCount; index += 1)
        for (const { id } of await bank.eventsOf(`${prefix}${index}`)) await bank.resend(id);

      let state: unknown;
      const done = until(
        'all orders have ended, all events are read, and all that is no order is a dead letter',
        PATIENCE_MS,
        async () => {
          const [row] = await query<{ ended: number; published: number; read: number; refused: number }>(
            `select (select count(*)::integer from orders where id like $1 and status in ('completed', 'compensated')) as ended,
             (select count(*)::integer from saga_outbox where id like $1 and state = 'sent') as published,
             (select count(*)::integer from saga_ledger where key like 'analytics/' || $1) as read,
             (select count(distinct message_id)::integer from dead_letters where message_id like $1) as refused`,
          ).catch(() => []);
          state = row ?? state;
          const events = 2 * orderCount;
          const broken = Math.ceil(orderCount / 10);
          return row?.ended === orderCount && row.published === events && row.read === events && row.refused === broken
            ? true
            : undefined;
        },
      );
      await done.catch((error: unknown) => {
        throw new Error(`${String(error)}: ${JSON.stringify(state)}`, { cause: error });
      });

      const outbox = await query<{ state: string; count: number }>(
        `select state, count(*)::integer as count from saga_outbox where id like $1 group by state`,
      );
      expect(outbox).toEqual([{ state: 'sent', count: 2 * orderCount }]);
      const declined = Array.from({ length: orderCount }, (_, index) => index).filter(isDeclined).length;
      const counted = await query<{ type: string; count: number }>(
        `select type, sum(count)::integer as count from event_counts where $1::text is not null group by type order by type`,
      );
      expect(counted).toEqual([
        { type: 'order.accepted', count: orderCount },
        { type: 'order.compensated', count: declined },
        { type: 'order.completed', count: orderCount - declined },
      ]);
      const movements = await query<{ pieces: number }>(
        'select sum(quantity)::integer as pieces from stock_movements where order_id like $1',
      );
      expect(movements).toEqual([{ pieces: declined - orderCount }]);
      expect(await readJson(`${app.settings['PAYMENT_PROVIDER_URL']}/_state/summary`)).toMatchObject({
        intents: { processing: 0, requires_capture: 0 },
        orders: { captured: orderCount - declined, duplicates: 0 },
      });
    },
    PATIENCE_MS * 2,
  );
});
