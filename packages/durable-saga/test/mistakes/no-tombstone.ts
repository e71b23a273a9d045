import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, order, orderSchema, policy } from './shop';

// The undo leaves no mark: an attempt of the step that comes through after it takes the stock for good.

export const finds = 'no stock is kept for an order that is undone';

const makeReserve = (undo: (stock: ShopPorts['stock'], key: string) => Promise<void>) =>
  activity({
    ...policy,
    name: 'reserve',
    input: z.object({ pieces: z.int() }),
    run:
      ({ stock }: ShopPorts) =>
      ({ pieces }, step) =>
        stock.take(step.key, pieces),
    undo:
      ({ stock }: ShopPorts) =>
      (_done, step) =>
        undo(stock, step.key),
  });

const explore = (reserve: ReturnType<typeof makeReserve>, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
      yield* saga.step(reserve, { pieces });
      yield* saga.pivot(charge, { amount });
    }),
    {
      input: order,
      world: createShop,
      activities: [reserve, charge],
      invariants: {
        [finds]: ({ outcome, books }: Run) => outcome !== 'compensated' || books?.['taken'] === 0,
      },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeReserve((stock, key) => stock.deleteReservation(key)),
  'wrong',
);
export const right = explore(
  makeReserve((stock, key) => stock.putBack(key)),
  'right',
);
