import { activity, saga, SagaStepError, StepFailure } from 'durable-saga';
import { z } from 'zod';
import type { Ports } from './ports';
import { hold, sendMail } from './steps';

export const checkBalance = activity({
  name: 'checkBalance',
  input: z.object({ account: z.string(), amount: z.int() }),
  run:
    ({ bank }: Ports) =>
    async ({ account, amount }) => {
      const balance = await bank.balance(account);
      // Nothing happened, and trying again won't help: no retry, no undo.
      if (balance < amount) throw new StepFailure({ code: 'noCredit', message: `${balance} left`, effect: 'none' });
      // Nothing happened, and it may work later.
      if (balance > 1e9) throw new StepFailure({ code: 'busy', message: 'ask later', effect: 'none', retriable: true });
    },
});

export const pay = activity({
  name: 'pay',
  input: z.object({ card: z.string(), amount: z.int() }),
  retry: { attempts: 8, first: '200 ms', factor: 2, cap: '30 seconds', deadline: '10 minutes' },
  undoRetry: { attempts: 50 },
  timeout: '30 seconds',
  settleWithin: '2 minutes',
  run: (ports: Ports) => (payment, step) => ports.bank.charge(payment.card, payment.amount, step.key),
  undo: (ports: Ports) => (_done, step) => ports.bank.release(step.key, undefined),
});

export const donate = saga(
  { name: 'donate', version: '1', input: z.object({ account: z.string(), to: z.email(), amount: z.int().positive() }) },
  function* (saga, { account, to, amount }) {
    yield* saga.call(checkBalance, { account, amount });
    if (amount > 10_000) return yield* saga.fail({ code: 'tooMuch', message: `${amount} is above the limit` });
    try {
      yield* saga.call(sendMail, { to, text: 'thank you' }, { retry: { attempts: 2 } });
    } catch (error) {
      if (!(error instanceof SagaStepError)) throw error;
      yield* saga.step(hold, { card: account, amount: 1 }); // another way; error.failure says why
    }
    yield* saga.step(pay, { card: account, amount }, { timeout: '5 seconds' });
  },
);
