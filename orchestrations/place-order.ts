import { saga } from 'durable-saga';
import type { SagaContext } from 'durable-saga';
import { z } from 'zod';
import { authorisePayment } from '../activities/authorise-payment';
import { bookShipment } from '../activities/book-shipment';
import { capturePayment } from '../activities/capture-payment';
import { confirmOrder } from '../activities/confirm-order';
import { recordApproval, remindApprover, requestApproval } from '../activities/request-approval';
import { reserveStock } from '../activities/reserve-stock';
import { settleOrder } from '../activities/settle';
import { showParked } from '../activities/show-parked';
import { customerIdSchema, orderIdSchema, skuSchema } from '../src/domain/ids';
import { toReservations } from '../src/domain/order';
import { waitWithReminder } from './wait-with-reminder';

/** More at a time would only queue up at the database. */
const RESERVATIONS_AT_ONCE = 20;

/**
 * An order as its saga needs it, with the settings of the moment in which it was started: an order that is under way
 * keeps them.
 */
const inputSchema = z.object({
  orderId: orderIdSchema,
  customerId: customerIdSchema,
  email: z.string().optional(),
  paymentMethod: z.string(),
  /** ISO 4217, and how many decimals it has. */
  currency: z.string(),
  decimals: z.int(),
  lines: z.array(z.object({ sku: skuSchema, quantity: z.int().positive() })),
  /** Minor units. */
  total: z.int().positive(),
  /** Above `threshold` (minor units) somebody must approve within `timeout` (milliseconds). */
  approval: z.object({ threshold: z.int(), timeout: z.int().positive() }),
  /** How long the payment provider has to decide (milliseconds). */
  paymentTimeout: z.int().positive().optional(),
});
export type PlaceOrderInput = z.infer<typeof inputSchema>;

const approvalSchema = z.object({ approved: z.boolean(), by: z.string() });
/** What the payment provider says later of a payment that it could not decide at once. */
const paymentDecisionSchema = z.object({
  authorised: z.boolean(),
  /** Why not, if not. */
  code: z.string().optional(),
  message: z.string().optional(),
});
const events = { approval: approvalSchema, paymentDecided: paymentDecisionSchema };

/** Orders that were started before there was such a time have none. */
const PAYMENT_TIMEOUT = 3 * 86_400_000;

/** An order from stock to shipment. Until the money is taken everything can be undone; from then on it only goes forward. */
export const placeOrder = saga(
  {
    name: 'placeOrder',
    version: '2',
    input: inputSchema,
    output: z.object({ tracking: z.string() }),
    events,
    settled: settleOrder,
    parked: showParked,
  },
  function* (saga, order) {
    const { orderId, customerId, email, paymentMethod, currency, decimals, total } = order;
    const reservations = toReservations(order.lines);
    yield* saga.map(reservations, (line) => saga.step(reserveStock, { orderId, ...line }, { key: line.sku }), {
      concurrency: RESERVATIONS_AT_ONCE,
    });
    if (total > order.approval.threshold) yield* waitForApproval(saga, order);

    const payment = { orderId, amount: total, currency, paymentMethod };
    const { intentId, isProcessing } = yield* saga.step(authorisePayment, payment);
    if (isProcessing) yield* waitForPayment(saga, order);
    yield* saga.pivot(capturePayment, { orderId, intentId, amount: total });

    const { tracking } = yield* saga.step(bookShipment, { orderId, customerId, lines: reservations });
    if (email !== undefined) yield* saga.call(confirmOrder, { orderId, email, total, currency, decimals, tracking });
    return { tracking };
  },
);

/** Goes on when the provider holds the money; a refusal, and no answer in time, end the saga. */
function* waitForPayment(saga: SagaContext<typeof events>, { paymentTimeout = PAYMENT_TIMEOUT }: PlaceOrderInput) {
  const decision = yield* saga.waitFor('paymentDecided', { timeout: paymentTimeout });
  if (!decision)
    return yield* saga.fail({ code: 'paymentTimedOut', message: 'nobody said whether it is paid in time' });
  const { authorised, code = 'declined', message = 'no reason was given' } = decision;
  return authorised ? undefined : yield* saga.fail({ code: 'paymentDeclined', message: `${code}: ${message}` });
}

/** Goes on when the order is approved; a refusal, and no answer in time, end the saga. */
function* waitForApproval(saga: SagaContext<typeof events>, order: PlaceOrderInput) {
  const { orderId, total, currency, decimals, approval } = order;
  yield* saga.call(requestApproval, { orderId });
  const decision = yield* waitWithReminder(saga, {
    timeout: approval.timeout,
    wait: (timeout) => saga.waitFor('approval', { timeout }),
    remind: (refusedAt) => saga.call(remindApprover, { orderId, total, currency, decimals, refusedAt }),
  });
  if (!decision) return yield* saga.fail({ code: 'approvalTimedOut', message: 'nobody approved the order in time' });
  const { approved, by } = decision;
  if (!approved) return yield* saga.fail({ code: 'approvalRefused', message: `refused by ${by}` });
  return yield* saga.call(recordApproval, { orderId, by });
}
