import { StepFailure } from 'durable-saga';
import type { SagaPath } from 'durable-saga/diagram';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import { customerIdSchema, orderIdSchema, skuSchema } from '../../src/domain/ids';

const HOUR = 3_600_000;

/** One tea and two cups: less than needs approval. */
const order: PlaceOrderInput = {
  orderId: orderIdSchema.parse('o1'),
  customerId: customerIdSchema.parse('ALFKI'),
  email: 'maria@example.com',
  paymentMethod: 'pm_card_visa',
  currency: 'usd',
  decimals: 2,
  lines: [
    { sku: skuSchema.parse('tea'), quantity: 1 },
    { sku: skuSchema.parse('cup'), quantity: 2 },
  ],
  total: 2_650,
  approval: { threshold: 500_000, timeout: 24 * HOUR },
  paymentTimeout: 72 * HOUR,
};
const slow: PlaceOrderInput = { ...order, paymentMethod: 'pm_processing' };
const dear: PlaceOrderInput = { ...order, total: 600_000 };

const answers = {
  authorisePayment: [{ intentId: 'pi_1' }],
  bookShipment: [{ shipmentId: 'shp_1', tracking: 'DEV1' }],
};
const refusal = (code: string, message: string, details?: unknown) =>
  new StepFailure({ code, message, effect: 'none', ...(details === undefined ? {} : { details }) });

/** The ways through `placeOrder`: run for real by its test, and drawn in its diagram. */
export const placeOrderPaths: readonly SagaPath<PlaceOrderInput>[] = [
  { title: 'from stock to shipment', input: order, answers, ends: 'completed' },
  {
    title: 'approved in time',
    input: dear,
    answers,
    events: [{ after: '1 hour', event: 'approval', payload: { approved: true, by: 'Ann' } }],
    ends: 'completed',
  },
  {
    title: 'approved after the reminder',
    input: dear,
    answers,
    events: [{ after: '20 hours', event: 'approval', payload: { approved: true, by: 'Ann' } }],
    ends: 'completed',
  },
  { title: 'without an e-mail address', input: { ...order, email: undefined }, answers, ends: 'completed' },
  {
    title: 'out of stock',
    input: { ...order, lines: [order.lines[1]!, { ...order.lines[0]!, quantity: 11 }] },
    answers: { ...answers, reserveStock: [undefined, refusal('outOfStock', '11 of tea wanted, 10 in stock')] },
    ends: 'compensated',
  },
  {
    title: 'refused by the approver',
    input: dear,
    events: [{ after: '1 hour', event: 'approval', payload: { approved: false, by: 'Bob' } }],
    ends: 'compensated',
  },
  { title: 'approved by nobody', input: dear, ends: 'compensated' },
  {
    title: 'declined by the bank',
    input: { ...order, paymentMethod: 'pm_card_declined' },
    answers: {
      authorisePayment: [
        refusal('paymentDeclined', 'card_declined: The card was declined.', { code: 'card_declined' }),
      ],
    },
    ends: 'compensated',
  },
  {
    title: 'paid by a slow bank',
    input: slow,
    answers: { ...answers, authorisePayment: [{ intentId: 'pi_1', isProcessing: true }] },
    events: [{ after: '30 hours', event: 'paymentDecided', payload: { authorised: true } }],
    ends: 'completed',
  },
  {
    title: 'declined by a slow bank',
    input: slow,
    answers: { authorisePayment: [{ intentId: 'pi_1', isProcessing: true }] },
    events: [
      {
        after: '30 hours',
        event: 'paymentDecided',
        payload: { authorised: false, code: 'insufficient_funds', message: 'Not enough money on the account.' },
      },
    ],
    ends: 'compensated',
  },
  {
    title: 'never decided by the bank',
    input: slow,
    answers: { authorisePayment: [{ intentId: 'pi_1', isProcessing: true }] },
    ends: 'compensated',
  },
  {
    title: 'not paid out by the bank',
    input: { ...order, paymentMethod: 'pm_capture_declined' },
    answers: {
      ...answers,
      capturePayment: [
        refusal('captureRefused', 'card_declined: The bank refused to pay out.', { code: 'card_declined' }),
      ],
    },
    ends: 'compensated',
  },
];
