import { defineExploration, exploreSaga, runSchedule } from 'durable-saga/testing';
import type { Exploration, Run, World } from 'durable-saga/testing';
import { charge, order, reserve, ship } from './order';
import type { Ports } from './ports';

/** A business in memory: what is done under a key is there once, and can't be done again after it was taken back. */
export function openBusiness(): World<Ports> {
  const done = new Map<string, number>();
  const undone = new Set<string>();
  const note = async (what: string, key: string, amount = 1): Promise<void> => {
    if (!undone.has(key)) done.set(`${what} ${key}`, amount);
  };
  const takeBack = async (what: string, key: string): Promise<void> => {
    undone.add(key);
    done.delete(`${what} ${key}`);
  };
  const sum = (what: string): number =>
    [...done].reduce((total, [name, amount]) => total + (name.startsWith(what) ? amount : 0), 0);
  return {
    ports: {
      stock: { take: (_sku, key) => note('taken', key), putBack: (key) => takeBack('taken', key) },
      bank: {
        hold: async (_card, amount, key) => note('held', key, amount).then(() => ({ holdId: key })),
        release: (key) => takeBack('held', key),
        charge: (_card, amount, key) => note('paid', key, amount),
        balance: async () => 500,
      },
      carrier: { collect: (_sku, key) => note('shipped', key) },
      mail: { send: (_to, _text, key) => note('mails', key) },
    },
    books: () => ({ taken: sum('taken'), paid: sum('paid'), shipped: sum('shipped') }),
  };
}

export const orders = defineExploration(order, {
  input: { sku: 'apple', card: '4242', amount: 600 },
  activities: [reserve, charge, ship],
  world: openBusiness,
  invariants: {
    'one payment': ({ books }) => [0, 600].includes(books?.['paid'] ?? 0),
    'nothing is taken without payment': ({ outcome, books }) => outcome !== 'compensated' || books?.['taken'] === 0,
  },
  budget: { pairs: 200 },
  module: { file: __filename, name: 'orders' },
});

export const exploreOrders = (): Promise<Exploration> => exploreSaga(orders.saga, orders.setup);

export const exploreOnTwoCores = (): Promise<Exploration> => exploreSaga(orders.saga, orders.setup, { workers: 2 });

export async function loseThePayment(): Promise<Run> {
  return runSchedule(orders.saga, orders.setup, [
    { kind: 'call', step: 'charge#1', call: 1, when: 'after' }, // charged, and the reply is lost
    { kind: 'kill', turn: 3, when: 'before' },
  ]);
}
