import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, order, orderSchema, policy } from './shop';

// The body draws an id by itself: it draws another one whenever its host has forgotten it.

export const finds = 'a replay does the same';

const reserveAs = activity({
  ...policy,
  name: 'reserveAs',
  input: z.object({ reservation: z.string(), pieces: z.int() }),
  run:
    ({ stock }: ShopPorts) =>
    ({ reservation, pieces }) =>
      stock.take(reservation, pieces),
  undo:
    ({ stock }: ShopPorts) =>
    ({ input }) =>
      stock.putBack(input.reservation),
});

const explore = (draw: (saga: { newId(): string }) => string, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
      const reservation = draw(saga);
      yield* saga.step(reserveAs, { reservation, pieces }, { key: reservation });
      yield* saga.pivot(charge, { amount });
    }),
    {
      input: order,
      world: createShop,
      activities: [reserveAs, charge],
      invariants: {},
      module: { file: __filename, name },
    },
  );

export const wrong = explore(() => `r-${Math.random()}`, 'wrong');
export const right = explore((saga) => saga.newId(), 'right');
