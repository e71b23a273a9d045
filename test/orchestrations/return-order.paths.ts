import { StepFailure } from 'durable-saga';
import type { SagaPath } from 'durable-saga/diagram';
import type { ReturnOrderInput } from '../../orchestrations/return-order';
import { customerIdSchema, orderIdSchema, returnIdSchema, skuSchema } from '../../src/domain/ids';

const DAY = 86_400_000;
const tea = skuSchema.parse('tea');
const cup = skuSchema.parse('cup');

/** Two teas and a cup of an order of three teas and two cups. */
const wish: ReturnOrderInput = {
  returnId: returnIdSchema.parse('o1.r1'),
  orderId: orderIdSchema.parse('o1'),
  customerId: customerIdSchema.parse('ALFKI'),
  email: 'maria@example.com',
  currency: 'usd',
  decimals: 2,
  lines: [
    { sku: tea, quantity: 2 },
    { sku: cup, quantity: 1 },
  ],
  pickUpTimeout: 14 * DAY,
};

const answers = {
  bookPickUp: [{ pickUpId: 'pup_1', tracking: 'RET1' }],
  acceptReturn: [
    {
      accepted: [
        { sku: cup, quantity: 1, refund: 400 },
        { sku: tea, quantity: 2, refund: 3_700 },
      ],
    },
  ],
  refundItem: [{ refundId: 're_1' }, { refundId: 're_2' }],
};
const collected = (after: `${number} days`) => ({ after, event: 'collected', payload: { lines: wish.lines } });

/** The ways through `returnOrder`. */
export const returnOrderPaths: readonly SagaPath<ReturnOrderInput>[] = [
  { title: 'collected in time', input: wish, answers, events: [collected('2 days')], ends: 'completed' },
  { title: 'collected after the reminder', input: wish, answers, events: [collected('10 days')], ends: 'completed' },
  {
    title: 'without an e-mail address',
    input: { ...wish, email: undefined },
    answers,
    events: [collected('10 days')],
    ends: 'completed',
  },
  {
    title: 'nothing was paid for it',
    input: wish,
    answers: { ...answers, acceptReturn: [{ accepted: [{ sku: tea, quantity: 2, refund: 0 }] }] },
    events: [collected('2 days')],
    ends: 'completed',
  },
  { title: 'never collected', input: wish, answers, ends: 'compensated' },
  {
    title: 'claimed by another return',
    input: wish,
    answers: { claimItems: [new StepFailure({ code: 'notLeft', message: 'too few are left', effect: 'none' })] },
    ends: 'compensated',
  },
];
