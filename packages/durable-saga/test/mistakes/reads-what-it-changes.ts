import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { createShop, policy, ship } from './shop';

// The discount is taken off what stands in the row, not off the step's input: each further attempt takes it off again.

export const finds = 'the discount is ten percent';

function createOrders() {
  const shop = createShop();
  const row = { total: 1_000 };
  const orders = {
    total: async () => row.total,
    setTotal: async (total: number) => void (row.total = total),
  };
  return { ports: { ...shop.ports, orders }, books: () => ({ ...shop.books(), ...row }) };
}
type Orders = ReturnType<typeof createOrders>['ports']['orders'];

const makeDiscount = (totalOf: (orders: Orders, input: { total: number }) => Promise<number>) =>
  activity({
    ...policy,
    name: 'discount',
    input: z.object({ total: z.int(), percent: z.int() }),
    run:
      ({ orders }: { orders: Orders } & ShopPorts) =>
      async (input) =>
        orders.setTotal(((await totalOf(orders, input)) * (100 - input.percent)) / 100),
    undo:
      ({ orders }: { orders: Orders } & ShopPorts) =>
      ({ input }) =>
        orders.setTotal(input.total),
  });

const explore = (discount: ReturnType<typeof makeDiscount>, name: string) =>
  defineExploration(
    saga({ name: 'order', version: '1', input: z.object({ total: z.int() }) }, function* (saga, { total }) {
      yield* saga.step(discount, { total, percent: 10 });
      yield* saga.pivot(ship, {});
    }),
    {
      input: { total: 1_000 },
      world: createOrders,
      activities: [discount, ship],
      invariants: {
        [finds]: ({ outcome, books }: Run) => outcome !== 'completed' || books?.['total'] === 900,
      },
      // The row has no tombstones: what comes after the undo is another mistake's matter.
      faults: ['call', 'platform', 'kill', 'cancel'],
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makeDiscount((orders) => orders.total()),
  'wrong',
);
export const right = explore(
  makeDiscount(async (_orders, { total }) => total),
  'right',
);
