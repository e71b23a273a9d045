import { z } from 'zod';
import type { Duration } from '../../src';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, order, orderSchema, policy } from './shop';

// The warehouse knows no tombstones, and its answers may come long after the timeout: nobody waits for what may still come.

export const finds = 'no stock is kept for an order that is undone';

const makeReserve = (settleWithin: Duration) =>
  activity({
    ...policy,
    name: 'reserve',
    input: z.object({ pieces: z.int() }),
    settleWithin,
    run:
      ({ stock }: ShopPorts) =>
      ({ pieces }, step) =>
        stock.take(step.key, pieces),
    undo:
      ({ stock }: ShopPorts) =>
      (_done, step) =>
        stock.deleteReservation(step.key),
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
      // A warehouse that delivers a request once more an hour later would need tombstones.
      faults: ['call', 'platform', 'late', 'kill', 'cancel'],
      module: { file: __filename, name },
    },
  );

export const wrong = explore(makeReserve(0), 'wrong');
export const right = explore(makeReserve('2 hours'), 'right');
