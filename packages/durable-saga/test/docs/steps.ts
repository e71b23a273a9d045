import { activity, saga } from 'durable-saga';
import { z } from 'zod';
import { charge } from './order';
import type { Ports } from './ports';

export const hold = activity({
  name: 'hold',
  input: z.object({ card: z.string(), amount: z.int().positive() }),
  output: z.object({ holdId: z.string() }),
  run: (ports: Ports) => (payment, step) => ports.bank.hold(payment.card, payment.amount, step.key),
  undo: (ports: Ports) => (done, step) => ports.bank.release(step.key, done.output?.holdId),
});

export const sendMail = activity({
  name: 'sendMail',
  input: z.object({ to: z.email(), text: z.string() }),
  run:
    ({ mail }: Pick<Ports, 'mail'>) =>
    async ({ to, text }, step) => {
      await mail.send(to, text, step.key);
      step.log(`attempt ${step.attempt} of ${step.key} for ${step.instanceId}`);
    },
});

export const subscribe = saga(
  { name: 'subscribe', version: '1', input: z.object({ email: z.email(), card: z.string() }) },
  function* (saga, { email, card }) {
    const { holdId } = yield* saga.step(hold, { card, amount: 500 });
    yield* saga.call(sendMail, { to: email, text: `we hold 5.00 as ${holdId}` });
    yield* saga.pivot(charge, { card, amount: 500 });
  },
);
