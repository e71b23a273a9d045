import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import { createShop, order, orderSchema, policy, reserve } from './shop';

// That a payment was made is noted after it was made, in another transaction: between the two the next attempt pays again.

export const finds = 'nobody is paid twice';

function createBooks() {
  const { ports, books } = createShop();
  const noted = new Set<string>();
  const notes = { has: async (key: string) => noted.has(key), add: async (key: string) => void noted.add(key) };
  return { ports: { ...ports, notes }, books };
}
type Ports = ReturnType<typeof createBooks>['ports'];

const makePay = (pay: (ports: Ports, key: string, amount: number) => Promise<void>) =>
  activity({
    ...policy,
    name: 'pay',
    input: z.object({ amount: z.int() }),
    run:
      (ports: Ports) =>
      ({ amount }, step) =>
        pay(ports, step.key, amount),
  });

const explore = (pay: ReturnType<typeof makePay>, name: string) =>
  defineExploration(
    saga({ name: 'refund', version: '1', input: orderSchema }, function* (saga, { pieces, amount }) {
      yield* saga.step(reserve, { pieces });
      yield* saga.pivot(pay, { amount });
    }),
    {
      input: order,
      world: createBooks,
      activities: [reserve, pay],
      invariants: { [finds]: ({ books }: Run) => (books?.['paid'] ?? 0) >= -order.amount },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(
  makePay(async ({ bank, notes }, key, amount) => {
    if (await notes.has(key)) return;
    await bank.payOut(amount);
    await notes.add(key);
  }),
  'wrong',
);
export const right = explore(
  makePay(({ bank }, key, amount) => bank.charge(key, -amount)),
  'right',
);
