import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import { createShop, policy, ship } from './shop';

// An account and what is put into it are done as one group: their undos run side by side, and closing it may come first.

export const finds = 'nothing is forfeited';

function createAccounts() {
  const { ports, books } = createShop();
  const cash = { customer: 500, account: 0, forfeited: 0 };
  const undone = new Set<string>();
  const bank = {
    open: async () => undefined,
    /** What is in an account that is closed belongs to nobody. */
    async close(_key: string) {
      cash.forfeited += cash.account;
      cash.account = 0;
    },
    async payIn(key: string, amount: number) {
      if (undone.has(key) || cash.account > 0) return;
      cash.account += amount;
      cash.customer -= amount;
    },
    async payBack(key: string) {
      undone.add(key);
      cash.customer += cash.account;
      cash.account = 0;
    },
  };
  return { ports: { ...ports, accounts: bank }, books: () => ({ ...books(), ...cash }) };
}
type Ports = ReturnType<typeof createAccounts>['ports'];

const openAccount = activity({
  ...policy,
  name: 'openAccount',
  input: z.object({}),
  run:
    ({ accounts }: Ports) =>
    () =>
      accounts.open(),
  undo:
    ({ accounts }: Ports) =>
    (_done, step) =>
      accounts.close(step.key),
});
const payIn = activity({
  ...policy,
  name: 'payIn',
  input: z.object({ amount: z.int() }),
  run:
    ({ accounts }: Ports) =>
    ({ amount }, step) =>
      accounts.payIn(step.key, amount),
  undo:
    ({ accounts }: Ports) =>
    (_done, step) =>
      accounts.payBack(step.key),
});

const input = z.object({ amount: z.int() });
const setup = {
  input: { amount: 500 },
  world: createAccounts,
  activities: [openAccount, payIn, ship],
  invariants: { [finds]: ({ books }: Run) => books?.['forfeited'] === 0 },
  faults: ['call', 'late', 'kill', 'cancel'] as const,
  // An undo that is given up leaves its money in the account.
  operator: ['retry', 'skip'] as const,
};

export const wrong = defineExploration(
  saga({ name: 'savings', version: '1', input }, function* (saga, { amount }) {
    yield* saga.all([saga.step(payIn, { amount }), saga.step(openAccount, {})]);
    yield* saga.pivot(ship, {});
  }),
  { ...setup, module: { file: __filename, name: 'wrong' } },
);

export const right = defineExploration(
  saga({ name: 'savings', version: '1', input }, function* (saga, { amount }) {
    yield* saga.step(openAccount, {});
    yield* saga.step(payIn, { amount });
    yield* saga.pivot(ship, {});
  }),
  { ...setup, module: { file: __filename, name: 'right' } },
);
