import { activity, saga, sagaClients, SagaStepError, settlementSchema, StepFailure } from 'durable-saga';
import type { Activity, DurableClient } from 'durable-saga';
import { createLedger } from 'durable-saga/postgres';
import { Pool } from 'pg';
import { z } from 'zod';
import { charge, order, reserve, ship } from './order';
import type { Payments, Stock } from './ports';

export function failures(balance: number): void {
  // Nothing happened, and trying again won't help: no undo, no retry.
  if (balance < 0) throw new StepFailure({ code: 'noCredit', message: 'the account is empty', effect: 'none' });
  // Nothing happened, and it may work later.
  throw new StepFailure({ code: 'busy', message: 'try later', effect: 'none', retriable: true });
}

export const authorise = activity({
  name: 'authorise',
  input: z.object({ card: z.string(), amount: z.int() }),
  output: z.object({ intent: z.string() }),
  retry: { attempts: 8, first: '200 ms', factor: 2, cap: '30 seconds', deadline: '10 minutes' },
  undoRetry: { attempts: 50 },
  timeout: '30 seconds',
  settleWithin: '2 minutes',
  run:
    ({ payments }: { payments: Payments }) =>
    async ({ card, amount }, step) => {
      await payments.charge(card, amount, step.key);
      return { intent: step.key };
    },
  undo:
    ({ payments }: { payments: Payments }) =>
    async ({ input, output }, step) => {
      if (output === undefined) step.log('the reply was lost; asking by the key', step.key);
      await payments.charge(input.card, -input.amount, step.key);
    },
});

export const tellBuyer = activity({
  name: 'tellBuyer',
  input: z.object({ text: z.string() }),
  run: () => async () => undefined,
});

export const settleOrder = activity({
  name: 'settleOrder',
  input: settlementSchema,
  run:
    ({ stock }: { stock: Stock }) =>
    async ({ instanceId, outcome, failure }, step) => {
      await stock.take(`${instanceId} is ${outcome} ${failure?.code ?? ''}`, step.key);
    },
});

export const bigOrder = saga(
  {
    name: 'bigOrder',
    version: '2',
    input: z.object({ skus: z.array(z.string()), card: z.string(), amount: z.int() }),
    events: { approval: z.object({ approved: z.boolean(), by: z.string() }) },
    settled: settleOrder,
  },
  function* (saga, { skus, card, amount }) {
    yield* saga.all(
      skus.map((sku) => saga.step(reserve, { sku }, { key: sku })),
      { concurrency: 20 },
    );

    const approval = yield* saga.waitFor('approval', { timeout: '12 hours' });
    if (!approval?.approved) return yield* saga.fail({ code: 'notApproved', message: 'nobody approved it' });

    try {
      yield* saga.call(tellBuyer, { text: 'approved' });
    } catch (error) {
      if (!(error instanceof SagaStepError)) throw error; // an unsent mail is no reason to stop
    }

    if (saga.version !== '1') yield* saga.sleep('5 minutes');
    yield* saga.step(authorise, { card, amount });
    yield* saga.pivot(charge, { card, amount });
    yield* saga.step(ship, { shelf: 'A' });
  },
);

export const sagas = sagaClients({ order, bigOrder });

export async function operate(client: DurableClient, id: string): Promise<void> {
  const first = await sagas(client).order.start({ sku: 'apple', card: '4242', amount: 600 }, { id });
  const outcome = await first.result({ timeout: '10 seconds' }); // throws SagaResultTimeout if it takes longer
  if (outcome.outcome === 'completed') console.log(outcome.result.tracking);

  const order = sagas(client).bigOrder.get('o-2');
  const status = await order.status(); // state, pivot, steps, waitingFor, parked, outcome; undefined if unknown
  const answer = await order.raise('approval', { approved: true, by: 'Ada' });
  const cancelled = await order.cancel({ reason: 'changed my mind' });
  if (!cancelled.accepted && cancelled.code === 'pastPivot') console.log('too late');

  await order.resolve({ action: 'retry' }); // whatever is parked is tried again
  await order.resolve({ action: 'skip', output: { tracking: 'by hand' } }); // it counts as done
  await order.resolve({ action: 'fail' }); // it counts as failed
  for await (const { id, parked } of sagas(client).bigOrder.list({ state: 'parked' })) {
    console.log(id, parked?.failure.message);
  }
  console.log(status?.state, answer.accepted);
}

const pool = new Pool();
const ledger = createLedger({ clock: () => new Date() });

export const reserveOnce: Activity<{ sku: string }, { left: number }, unknown> = activity({
  name: 'reserveOnce',
  input: z.object({ sku: z.string() }),
  output: z.object({ left: z.int() }),
  run:
    () =>
    async ({ sku }, step) => {
      const tx = await pool.connect();
      try {
        await tx.query('begin');
        const left = await ledger.once(tx, step.key, async () => {
          const { rows } = await tx.query<{ stock: number }>(
            'update products set stock = stock - 1 where sku = $1 and stock > 0 returning stock',
            [sku],
          );
          if (rows[0] === undefined) throw new StepFailure({ code: 'outOfStock', message: sku, effect: 'none' });
          return rows[0].stock;
        });
        await tx.query('commit');
        return { left };
      } catch (error) {
        await tx.query('rollback');
        throw error;
      } finally {
        tx.release();
      }
    },
});
