import { saga } from 'durable-saga';
import { z } from 'zod';
import { charge, reserve, ship } from './order';
import { tellOperators, tellOutcome } from './parking';
import { sendMail } from './steps';

export const bigOrder = saga(
  {
    name: 'bigOrder',
    version: '2',
    input: z.object({ sku: z.string(), card: z.string(), amount: z.int(), boss: z.email() }),
    events: { approval: z.object({ approved: z.boolean(), by: z.string() }) },
    settled: tellOutcome,
    parked: tellOperators,
  },
  function* (saga, { sku, card, amount, boss }) {
    yield* saga.step(reserve, { sku });
    yield* saga.call(sendMail, { to: boss, text: `may we spend ${amount}?` });

    const approval = yield* saga.waitFor('approval', { timeout: '12 hours' });
    if (approval === undefined) return yield* saga.fail({ code: 'tooLate', message: 'nobody answered in time' });
    if (!approval.approved) return yield* saga.fail({ code: 'refused', message: `refused by ${approval.by}` });

    if (saga.version !== '1') yield* saga.sleep('5 minutes'); // they may change their mind
    yield* saga.pivot(charge, { card, amount });
    yield* saga.step(ship, { sku });
  },
);
