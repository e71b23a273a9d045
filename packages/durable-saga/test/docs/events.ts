import { many, saga } from 'durable-saga';
import type { Answer, SagaClients } from 'durable-saga';
import { z } from 'zod';
import { charge, reserve } from './order';

export const cart = saga(
  {
    name: 'cart',
    version: '1',
    input: z.object({ card: z.string() }),
    output: z.object({ items: z.int() }),
    events: { item: many(z.object({ sku: z.string() })), checkout: z.object({}) },
  },
  function* (saga, { card }) {
    for (let items = 0; ; items += 1) {
      const next = yield* saga.race({
        item: saga.waitFor('item'),
        checkout: saga.waitFor('checkout'),
        left: saga.sleep('2 hours'),
      });
      if (next.winner === 'left') return yield* saga.fail({ code: 'abandoned', message: 'nobody came back' });
      if (next.winner === 'checkout') {
        yield* saga.pivot(charge, { card, amount: items * 100 });
        return { items };
      }
      yield* saga.step(reserve, { sku: next.value.sku });
    }
  },
);

export async function addItem(
  carts: SagaClients<{ cart: typeof cart }>['cart'],
  cartId: string,
  message: { readonly id: string; readonly sku: string },
): Promise<Answer> {
  return carts.get(cartId).raise('item', { sku: message.sku }, { id: message.id });
}
