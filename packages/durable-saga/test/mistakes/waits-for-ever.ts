import { z } from 'zod';
import { saga } from '../../src';
import { defineExploration } from '../../src/testing';
import { charge, createShop, order, orderSchema, reserve } from './shop';

// Nothing says what becomes of an order that nobody decides about: its stock is held for ever.

export const finds = 'every saga ends or is parked';

const events = { approval: z.object({ approved: z.boolean() }) };
const setup = {
  input: order,
  events: [{ after: '1 hour', event: 'approval', payload: { approved: true } } as const],
  world: createShop,
  activities: [reserve, charge],
};

export const wrong = defineExploration(
  saga({ name: 'order', version: '1', input: orderSchema, events }, function* (saga, { pieces, amount }) {
    yield* saga.step(reserve, { pieces });
    const { approved } = yield* saga.waitFor('approval');
    if (!approved) return yield* saga.fail({ code: 'refused', message: 'not approved' });
    yield* saga.pivot(charge, { amount });
  }),
  { ...setup, module: { file: __filename, name: 'wrong' } },
);

export const right = defineExploration(
  saga({ name: 'order', version: '1', input: orderSchema, events }, function* (saga, { pieces, amount }) {
    yield* saga.step(reserve, { pieces });
    const approval = yield* saga.waitFor('approval', { timeout: '1 day' });
    if (!approval?.approved) return yield* saga.fail({ code: 'refused', message: 'not approved in time' });
    yield* saga.pivot(charge, { amount });
  }),
  { ...setup, module: { file: __filename, name: 'right' } },
);
