import { StepFailure, activity } from 'durable-saga';
import { z } from 'zod';
import { orderIdSchema, skuSchema } from '../src/domain/ids';
import type { Stock } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly stock: Stock;
}

/** Takes one product's quantity from stock for an order. Too little stock is a refusal: waiting would not help. */
export const reserveStock = activity({
  name: 'reserveStock',
  input: z.object({ orderId: orderIdSchema, sku: skuSchema, quantity: z.int().positive() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ stock }: Ports) =>
    async (reservation, step) => {
      const { sku, quantity } = reservation;
      const outcome = await stock.reserve(step.key, reservation);
      switch (outcome.kind) {
        case 'reserved':
          return;
        case 'outOfStock':
          throw refusal('outOfStock', `${quantity} of ${sku} wanted, ${outcome.available} in stock`);
        case 'unknownProduct':
          throw refusal('unknownProduct', `no product has the sku "${sku}"`);
        case 'undone':
          throw refusal('undone', `the reservation of ${sku} was released before it was made`);
      }
    },
  undo:
    ({ stock }: Ports) =>
    (_done, step) =>
      stock.release(step.key),
});

function refusal(code: string, message: string): StepFailure {
  return new StepFailure({ code, message, effect: 'none' });
}
