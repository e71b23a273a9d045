import { saga } from 'durable-saga';
import { z } from 'zod';
import { charge, reserve, ship } from './order';
import { hold, sendMail } from './steps';

const lineSchema = z.object({ sku: z.string(), to: z.email() });

export const basket = saga(
  {
    name: 'basket',
    version: '1',
    timeout: '3 days',
    input: z.object({ skus: z.array(z.string()), card: z.string(), lines: z.array(lineSchema) }),
    output: z.object({ sent: z.int(), holdId: z.string().optional() }),
    events: { noThanks: z.object({}) },
  },
  function* (saga, { skus, card, lines }) {
    yield* saga.all(
      skus.map((sku) => saga.step(reserve, { sku }, { key: sku })),
      { concurrency: 20 },
    );

    const mails = yield* saga.allSettled(lines.map(({ to, sku }) => saga.call(sendMail, { to, text: sku })));
    const sent = mails.filter(({ status }) => status === 'done').length;

    yield* saga.map(
      lines,
      function* ({ sku, to }) {
        yield* saga.step(reserve, { sku }, { key: `again ${sku}` });
        yield* saga.call(sendMail, { to, text: `one more of ${sku}` });
      },
      { concurrency: 5, maxFailures: 2 },
    );

    const first = yield* saga.race({
      held: saga.step(hold, { card, amount: 500 }),
      refused: saga.waitFor('noThanks'),
      late: saga.sleep('1 hour'),
    });
    if (first.winner !== 'held') return { sent };
    yield* saga.pivot(charge, { card, amount: 500 });
    yield* saga.all(skus.map((sku) => saga.step(ship, { sku })));
    return { sent, holdId: first.value.holdId };
  },
);
