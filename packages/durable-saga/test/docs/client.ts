import { sagaClients } from 'durable-saga';
import type { DurableClient } from 'durable-saga';
import { createMemoryStarts } from 'durable-saga/memory';
import { order } from './order';
import { bigOrder } from './waiting';

export const sagas = sagaClients({ order, bigOrder }, { starts: createMemoryStarts({ clock: () => new Date() }) });

export async function operate(client: DurableClient, id: string): Promise<void> {
  const first = await sagas(client).order.start({ sku: 'apple', card: '4242', amount: 600 }, { id });
  const outcome = await first.result({ timeout: '10 seconds' }); // throws SagaResultTimeout if it takes longer
  if (outcome.outcome !== 'completed') console.log(outcome.failure.message);

  const orders = sagas(client).bigOrder;
  const status = await orders.get(id).status(); // state, pivot, steps, waitingFor, parked, outcome; undefined if unknown
  if (status?.state === 'waiting') await orders.get(id).raise('approval', { approved: true, by: 'Ada' });
  const cancelled = await orders.get(id).cancel({ reason: 'changed my mind' });
  if (!cancelled.accepted && cancelled.code === 'pastPivot') console.log('too late');

  for await (const parked of orders.list({ state: 'parked' })) console.log(parked.id, parked.parked?.failure.message);
}
