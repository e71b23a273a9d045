import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, createShop, policy, ship } from './shop';

// The customer may withdraw. Past the pivot nothing of that is honoured any more, and the customer is told that it is.

export const finds = 'who is told that the order is withdrawn has not paid for it';

const tellWithdrawn = activity({
  ...policy,
  name: 'tellWithdrawn',
  input: z.object({}),
  run:
    ({ mail }: ShopPorts) =>
    (_input, step) =>
      mail.send(step.key),
});

const input = z.object({ amount: z.int() });
const events = { withdraw: z.object({}) };
const setup = {
  input: { amount: 500 },
  events: [{ after: '30 minutes', event: 'withdraw', payload: {} } as const],
  world: createShop,
  activities: [charge, ship, tellWithdrawn],
  invariants: {
    [finds]: ({ books }: Run) => books?.['mails'] === 0 || books?.['paid'] === 0,
  },
};

export const wrong = defineExploration(
  saga({ name: 'order', version: '1', input, events }, function* (saga, { amount }) {
    const withdrawn = yield* saga.waitFor('withdraw', { timeout: '1 hour' });
    if (withdrawn === undefined) yield* saga.pivot(charge, { amount });
    if (withdrawn ?? (yield* saga.waitFor('withdraw', { timeout: '1 day' })))
      return yield* saga.call(tellWithdrawn, {});
    yield* saga.step(ship, {});
  }),
  { ...setup, module: { file: __filename, name: 'wrong' } },
);

export const right = defineExploration(
  saga({ name: 'order', version: '1', input, events }, function* (saga, { amount }) {
    if (yield* saga.waitFor('withdraw', { timeout: '1 hour' })) return yield* saga.call(tellWithdrawn, {});
    yield* saga.pivot(charge, { amount });
    yield* saga.sleep('1 day');
    yield* saga.step(ship, {});
  }),
  { ...setup, module: { file: __filename, name: 'right' } },
);
