import { createLedger, createOutbox } from 'durable-saga/postgres';
import { systemClock } from '../../src/adapters/clock';
import { createOrderEvents } from '../../src/adapters/postgres-order-events';
import type { Database } from '../../src/adapters/postgres-database';
import { createPostgresOrders } from '../../src/adapters/postgres-orders';
import { isOfHub, notFinal } from '../../src/adapters/postgres-saga-rows';
import type { WithoutHub } from '../../src/adapters/postgres-saga-rows';
import { createPostgresStock } from '../../src/adapters/postgres-stock';
import { orderIdSchema } from '../../src/domain/ids';
import { askApp, describeAnswer, Unreachable } from './app-client';
import { withDatabase } from './database-place';
import { isSmokeId, SMOKE_CUSTOMER, SMOKE_ID_PATTERN, toOrderId } from './smoke-ids';
import { SMOKE_SKU } from './smoke-product';
import type { Environment } from './step';

/*
 * Smoke orders are a deployment's own. Whatever a version does to one of them hurts nobody, and so none of them may stand in the
 * way of the next version: not as something that an app still carries, not as a history that the new code would have to go on
 * in. What they would leave behind is ended here, by force where it has to be.
 */

/** The rows of smoke orders: by all that makes one, so that no caller's order is taken for one. */
const isSmokeRow = `customer_id = '${SMOKE_CUSTOMER}' and id ~ '${SMOKE_ID_PATTERN}'
  and not exists (select from jsonb_array_elements(lines) as line where line ->> 'sku' <> '${SMOKE_SKU}')`;

/** The smoke orders of a task hub that have not ended, those that have no hub among them unless these are not `its`. */
export async function countSmokeOrders(database: Database, taskHub: string, withoutHub: WithoutHub): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from orders where ${isSmokeRow} and ${notFinal}
       and ${isOfHub('$1', withoutHub)}`,
    [taskHub],
  );
  return rows[0]?.count ?? 0;
}

/** Those of these instances that are of smoke orders, whether their rows have ended or not. */
export async function findSmokeInstances(database: Database, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ id: string }>(`select id from orders where id = any($1) and ${isSmokeRow}`, [
    ids.filter(isSmokeId).map(toOrderId),
  ]);
  const found = new Set(rows.map(({ id }) => id));
  return new Set(ids.filter((id) => found.has(toOrderId(id))));
}

/**
 * Ends the smoke orders among these that have not ended: terminates their instances, gives back what they have reserved and
 * ends their rows. An instance that can't be terminated, since nobody answers, is told of; its row ends all the same, and nothing
 * that it does later counts as carried. Throws `StepFailed` when the database can't be used.
 * @param app its address; REPLAY_GATE_KEY in the environment is the key of its durable API, which reaches both task hubs
 */
export async function endSmokeOrders(app: string, ids: readonly string[], environment: Environment): Promise<void> {
  const what = (place: string) => `end ${ids.join(', ')} in ${place}`;
  await withDatabase(environment, what, async (database) => {
    const { rows } = await database.query<{ id: string; task_hub: string | null }>(
      `select id, task_hub from orders where id = any($1) and ${isSmokeRow} and ${notFinal}`,
      [ids],
    );
    for (const { id, task_hub: taskHub } of rows) {
      const answer = await terminate(app, id, taskHub, environment['REPLAY_GATE_KEY']);
      await endRow(database, id);
      console.log(`${id} is ended by force; its instance was terminated: ${answer}`);
    }
  });
}

async function terminate(app: string, id: string, taskHub: string | null, key = ''): Promise<string> {
  const query = new URLSearchParams({
    reason: 'a smoke test ends',
    ...(taskHub !== null && { taskHub }),
    ...(key !== '' && { code: key }),
  });
  const path = `/runtime/webhooks/durabletask/instances/${encodeURIComponent(id)}/terminate?${query.toString()}`;
  try {
    return describeAnswer(await askApp(app, undefined)('POST', path));
  } catch (error) {
    if (error instanceof Unreachable) return error.message;
    throw error;
  }
}

/** What an undone order has in the tables: nothing reserved, its end, and the event that tells of it. */
async function endRow(database: Database, id: string): Promise<void> {
  const clock = () => systemClock.now();
  const ledger = createLedger({ clock });
  const stock = createPostgresStock(database, ledger, systemClock);
  const { rows } = await database.query<{ key: string }>(
    `select key from reservations where order_id = $1 and state = 'reserved'`,
    [id],
  );
  for (const { key } of rows) await stock.release(key);
  const events = createOrderEvents(createOutbox({ clock }), () => {});
  const reason = { code: 'cancelled', message: 'a smoke test that did not end by itself was terminated' };
  await createPostgresOrders(database, ledger, systemClock, events).settle(
    orderIdSchema.parse(id),
    'compensated',
    reason,
  );
}
