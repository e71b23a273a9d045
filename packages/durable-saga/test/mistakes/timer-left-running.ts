import { z } from 'zod';
import { activity, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import type { ShopPorts } from './shop';
import { charge, confirm, createShop, policy } from './shop';

// The reminder waits in an instance of its own, which nobody stops when the race against it is won.

export const finds = 'nobody is reminded of what is decided';

const events = { approval: z.object({}) };
const input = z.object({ amount: z.int() });

const reminder = saga({ name: 'reminder', version: '1', input: z.object({}) }, function* (saga) {
  yield* saga.sleep('12 hours');
  yield* saga.call(confirm, {});
});

const startReminder = activity({
  ...policy,
  name: 'startReminder',
  input: z.object({}),
  usesClient: true,
  run: (_ports: ShopPorts) => async (_input, step) => {
    const instanceId = `${step.instanceId}-reminder`;
    const found = await step.client.getStatus(instanceId).catch(() => undefined);
    if (found === undefined) await step.client.startNew('reminder', { instanceId, input: {} });
  },
});

const setup = {
  input: { amount: 500 },
  events: [{ after: '1 hour', event: 'approval', payload: {} } as const],
  world: createShop,
  activities: [charge, confirm, startReminder],
  sagas: [reminder],
  invariants: {
    [finds]: ({ outcome, books, events: came }: Run) =>
      outcome !== 'completed' || books?.['mails'] === 0 || came.some(({ at }) => at >= 12 * 3_600_000),
  },
};

export const wrong = defineExploration(
  saga({ name: 'order', version: '1', input, events }, function* (saga, { amount }) {
    yield* saga.call(startReminder, {});
    const approval = yield* saga.waitFor('approval', { timeout: '1 day' });
    if (approval === undefined) return yield* saga.fail({ code: 'late', message: 'not approved in time' });
    yield* saga.pivot(charge, { amount });
  }),
  { ...setup, module: { file: __filename, name: 'wrong' } },
);

export const right = defineExploration(
  saga({ name: 'order', version: '1', input, events }, function* (saga, { amount }) {
    let approval = yield* saga.waitFor('approval', { timeout: '12 hours' });
    if (approval === undefined) {
      yield* saga.call(confirm, {});
      approval = yield* saga.waitFor('approval', { timeout: '12 hours' });
    }
    if (approval === undefined) return yield* saga.fail({ code: 'late', message: 'not approved in time' });
    yield* saga.pivot(charge, { amount });
  }),
  { ...setup, module: { file: __filename, name: 'right' } },
);
