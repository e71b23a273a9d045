import { many, saga } from 'durable-saga';
import { z } from 'zod';
import { sendMail } from './steps';

const A_HISTORY = 100;

export const newsletter = saga(
  {
    name: 'newsletter',
    version: '1',
    input: z.object({ sent: z.int().default(0) }),
    output: z.object({ sent: z.int() }),
    events: { reader: many(z.object({ email: z.email() })) },
  },
  function* (saga, { sent }) {
    for (let here = 0; here < A_HISTORY; here += 1) {
      const reader = yield* saga.waitFor('reader', { timeout: '1 day' });
      if (reader === undefined) return { sent: sent + here };
      yield* saga.call(sendMail, { to: reader.email, text: `you are reader ${sent + here + 1}` });
    }
    return yield* saga.continueAs({ sent: sent + A_HISTORY });
  },
);
