/**
 * What returns take from orders, in tables `returned_items`, `return_lines` and `payments`.
 *
 * One row of `returned_items` stands for one product of one order: how many pieces were bought, how many are held by
 * returns (`claimed`) and how many of those are accepted for good. A claim raises `claimed` only as far as `bought`
 * allows, in one statement, and the row's constraints say the same again; two returns that want the last piece meet at
 * that row's lock. All claims of a return are one transaction and go by the order of the products' names, so that no two
 * returns can wait for each other in a circle.
 *
 * What a return is worth is decided when it is accepted, under the same lock: the pieces are counted on from those that
 * were accepted before, whichever return claimed first, so that all refunds of a product add up to what it cost.
 */
import { LedgerTombstone } from 'durable-saga/postgres';
import type { Ledger } from 'durable-saga/postgres';
import { orderIdOf, skuSchema } from '../domain/ids';
import type { OrderId, ReturnId, Sku } from '../domain/ids';
import type { OrderLine } from '../domain/order';
import { matchCollected, refundFor, toBought } from '../domain/return';
import type { AcceptedLine, Pieces } from '../domain/return';
import type { ClaimOutcome, Clock, ReturnedItems } from '../ports';
import type { Database, Queryable } from './postgres-database';

interface Claim {
  readonly orderId: OrderId;
  readonly lines: readonly Pieces[];
}

export function createPostgresReturnedItems(database: Database, ledger: Ledger, clock: Clock): ReturnedItems {
  return {
    async findLeft(id) {
      const bought = toBought(await readOrderLines(database, id));
      const { rows } = await database.query<{ sku: string; claimed: number }>(
        'select sku, claimed from returned_items where order_id = $1',
        [id],
      );
      const claimed = new Map(rows.map((row) => [row.sku, row.claimed]));
      return new Map(bought.map((item) => [item.sku, item.bought - (claimed.get(item.sku) ?? 0)]));
    },

    async claim(key, id) {
      try {
        await database.transaction((tx) => ledger.once(tx, key, () => claimAll(tx, id)));
        return { kind: 'claimed' };
      } catch (error) {
        if (error instanceof NotClaimed) return error.outcome;
        if (error instanceof LedgerTombstone) return { kind: 'undone' };
        throw error;
      }
    },

    async release(key) {
      await database.transaction((tx) =>
        ledger.undo<Claim>(tx, key, async (claim) => {
          if (claim) await giveBack(tx, claim.orderId, claim.lines);
        }),
      );
    },

    accept: (key, id, collected) =>
      database.transaction((tx) => ledger.once(tx, key, () => acceptAll(tx, id, collected, clock.now()))),

    async recordRefund(key, { id, sku, refundId }) {
      await database.transaction((tx) =>
        ledger.once(tx, key, async () => {
          const noted = await tx.query<{ refund: number }>(
            `update return_lines set refund_id = $3 where return_id = $1 and sku = $2 and accepted > 0 returning refund`,
            [id, sku, refundId],
          );
          if (!noted.rows[0]) throw new Error(`expected an accepted line ${sku} of return ${id}, found none`);
          const { refund } = noted.rows[0];
          const paid = await tx.query(
            `update payments set refunded = refunded + $2, updated_at = $3,
               state = case when refunded + $2 = amount then 'refunded' else state end
             where order_id = $1 and state = 'captured'`,
            [orderIdOf(id), refund, clock.now()],
          );
          if (paid.rowCount !== 1) throw new Error(`expected a captured payment of order ${orderIdOf(id)}, found none`);
          return { refund };
        }),
      );
    },

    async restock(key, { id, sku }) {
      await database.transaction((tx) =>
        ledger.once(tx, key, async () => {
          const { rows } = await tx.query<{ accepted: number }>(
            `update return_lines set restocked_at = $3 where return_id = $1 and sku = $2 and accepted > 0 returning accepted`,
            [id, sku, clock.now()],
          );
          if (!rows[0]) throw new Error(`expected an accepted line ${sku} of return ${id}, found none`);
          const stocked = await tx.query('update products set stock = stock + $2, updated_at = $3 where sku = $1', [
            sku,
            rows[0].accepted,
            clock.now(),
          ]);
          if (stocked.rowCount !== 1) throw new Error(`expected a product with the sku "${sku}", found none`);
          return { sku, quantity: rows[0].accepted };
        }),
      );
    },
  };
}

async function claimAll(tx: Queryable, id: ReturnId): Promise<Claim> {
  const orderId = orderIdOf(id);
  await openItems(tx, orderId);
  const lines = await readReturnLines(tx, id);
  for (const { sku, quantity } of lines) {
    const taken = await tx.query(
      `update returned_items set claimed = claimed + $3
       where order_id = $1 and sku = $2 and claimed + $3 <= bought`,
      [orderId, sku, quantity],
    );
    if (taken.rowCount === 0) throw new NotClaimed({ kind: 'notLeft', sku, left: await readLeft(tx, orderId, sku) });
  }
  return { orderId, lines };
}

async function acceptAll(
  tx: Queryable,
  id: ReturnId,
  collected: readonly Pieces[],
  now: Date,
): Promise<readonly AcceptedLine[]> {
  const orderId = orderIdOf(id);
  const asked = await readReturnLines(tx, id);
  const ordered = await readOrderLines(tx, orderId);
  const taken = new Map(matchCollected(asked, collected).accepted.map((line) => [line.sku, line.quantity]));
  const accepted: AcceptedLine[] = [];
  for (const { sku, quantity: claimed } of asked) {
    const quantity = taken.get(sku) ?? 0;
    const before = await lockAccepted(tx, orderId, sku);
    const refund = refundFor(ordered, { sku, quantity }, before);
    await tx.query(
      `update returned_items set claimed = claimed - $3, accepted = accepted + $4, refunded = refunded + $5
       where order_id = $1 and sku = $2`,
      [orderId, sku, claimed - quantity, quantity, refund],
    );
    await tx.query('update return_lines set accepted = $3, refund = $4 where return_id = $1 and sku = $2', [
      id,
      sku,
      quantity,
      refund,
    ]);
    if (quantity > 0) accepted.push({ sku, quantity, refund });
  }
  await tx.query(`update pick_ups set state = 'collected', updated_at = $2 where return_id = $1`, [id, now]);
  await tx.query(`update returns set status = 'running', updated_at = $2 where id = $1 and status = 'awaitingPickUp'`, [
    id,
    now,
  ]);
  return accepted;
}

/** What the order has, as rows that returns can take from. */
async function openItems(tx: Queryable, orderId: OrderId): Promise<void> {
  const bought = toBought(await readOrderLines(tx, orderId));
  await tx.query(
    `insert into returned_items (order_id, sku, bought, amount)
     select $1, sku, bought, amount from jsonb_to_recordset($2) as i(sku text, bought integer, amount bigint)
     order by sku on conflict (order_id, sku) do nothing`,
    [orderId, JSON.stringify(bought)],
  );
}

async function giveBack(tx: Queryable, orderId: OrderId, lines: readonly Pieces[]): Promise<void> {
  for (const { sku, quantity } of lines) {
    await tx.query('update returned_items set claimed = claimed - $3 where order_id = $1 and sku = $2', [
      orderId,
      sku,
      quantity,
    ]);
  }
}

/** How many pieces were accepted so far; nobody else accepts any until the transaction ends. */
async function lockAccepted(tx: Queryable, orderId: OrderId, sku: Sku): Promise<number> {
  const { rows } = await tx.query<{ accepted: number }>(
    'select accepted from returned_items where order_id = $1 and sku = $2 for update',
    [orderId, sku],
  );
  if (!rows[0]) throw new Error(`expected ${sku} of order ${orderId} to be claimed before it is accepted, it is not`);
  return rows[0].accepted;
}

async function readLeft(tx: Queryable, orderId: OrderId, sku: Sku): Promise<number> {
  const { rows } = await tx.query<{ left: number }>(
    'select bought - claimed as left from returned_items where order_id = $1 and sku = $2',
    [orderId, sku],
  );
  return rows[0]?.left ?? 0;
}

/** By the products' names: whoever locks several of their rows does it in one order. */
async function readReturnLines(tx: Queryable, id: ReturnId): Promise<readonly Pieces[]> {
  const { rows } = await tx.query<{ sku: string; quantity: number }>(
    'select sku, quantity from return_lines where return_id = $1 order by sku',
    [id],
  );
  if (rows.length === 0) throw new Error(`expected a row of return ${id}, found none`);
  return rows.map(({ sku, quantity }) => ({ sku: skuSchema.parse(sku), quantity }));
}

async function readOrderLines(tx: Queryable, orderId: OrderId): Promise<readonly OrderLine[]> {
  const { rows } = await tx.query<{ lines: OrderLine[] }>('select lines from orders where id = $1', [orderId]);
  if (!rows[0]) throw new Error(`expected a row of order ${orderId}, found none`);
  return rows[0].lines;
}

/** Thrown out of the transaction so that nothing of it stays, the ledger's entry included. */
class NotClaimed extends Error {
  override readonly name = 'NotClaimed';
  readonly outcome: ClaimOutcome;

  constructor(outcome: ClaimOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}
