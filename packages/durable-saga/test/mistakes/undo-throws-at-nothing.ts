import { activity, saga } from '../../src';
import { z } from 'zod';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, order, orderSchema, policy } from './shop';

// The undo takes it for an error that there is nothing to undo: a step that never came through parks its saga.

export const finds = 'nobody is called for an undo that has nothing to do';

const makeReserve = (ifNone: () => void) =>
  activity({
    ...policy,
    undoRetry: { attempts: 1 },
    name: 'reserve',
    input: z.object({ pieces: z.int() }),
    run:
      ({ stock }: ShopPorts) =>
      ({ pieces }, step) =>
        stock.take(step.key, pieces),
    undo:
      ({ stock }: ShopPorts) =>
      async (_done, step) => {
        if (!(await stock.hasReservation(step.key))) ifNone();
        await stock.putBack(step.key);
      },
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
        [finds]: ({ parked, met }: Run) =>
          !parked.some(({ what }) => what === 'undo') || met.some((fault) => 'undo' in fault),
      },
      // An undo that never works is long in coming to its end.
      faults: ['call', 'platform'],
      budget: { pairs: 20 },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeReserve(() => {
    throw new Error('there is no reservation');
  }),
  'wrong',
);
export const right = explore(
  makeReserve(() => undefined),
  'right',
);
