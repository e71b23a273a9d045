import { z } from 'zod';
import { many, saga } from '../../src';
import { defineExploration } from '../../src/testing';
import type { Run } from '../../src/testing';
import { charge, createShop } from './shop';

// After an hour without an answer a second, dearer offer is made. A late word about the first is taken for the second's.

export const finds = 'nobody pays more than was approved';

const events = { approval: many(z.object({ amount: z.int() })) };
const input = z.object({ offers: z.array(z.int()) });

const explore = (isAbout: (approved: number, offer: number) => boolean, name: string) =>
  defineExploration(
    saga({ name: 'offers', version: '1', input, events }, function* (saga, { offers }) {
      for (const amount of offers) {
        const endsAt = saga.now().getTime() + 3_600_000;
        for (;;) {
          const left = endsAt - saga.now().getTime();
          const approval = yield* saga.waitFor('approval', { timeout: Math.max(0, left) });
          if (approval === undefined) break;
          if (isAbout(approval.amount, amount)) return yield* saga.pivot(charge, { amount });
        }
      }
      return yield* saga.fail({ code: 'notApproved', message: 'nobody approved in time' });
    }),
    {
      input: { offers: [500, 600] },
      events: [{ after: '20 minutes', event: 'approval', payload: { amount: 500 } }],
      world: createShop,
      activities: [charge],
      invariants: { [finds]: ({ books }: Run) => (books?.['paid'] ?? 0) <= 500 },
      module: { file: __filename, name },
    },
  );

export const wrong = explore(() => true, 'wrong');
export const right = explore((approved, offer) => approved === offer, 'right');
