import { saga } from 'durable-saga';
import { z } from 'zod';
import { acceptReturn, collectedSchema } from '../activities/accept-return';
import { awaitPickUp, remindCustomer } from '../activities/await-pick-up';
import { bookPickUp } from '../activities/book-pick-up';
import { claimItems } from '../activities/claim-items';
import { confirmReturn } from '../activities/confirm-return';
import { refundItem } from '../activities/refund-item';
import { restockItem } from '../activities/restock-item';
import { settleReturn } from '../activities/settle';
import { showParkedReturn } from '../activities/show-parked';
import { customerIdSchema, orderIdSchema, returnIdSchema, skuSchema } from '../src/domain/ids';
import { waitWithReminder } from './wait-with-reminder';

/** More at a time would only queue up at the payment provider. */
const REFUNDS_AT_ONCE = 10;

/** A return as its saga needs it, with the settings of the moment in which it was started. */
const inputSchema = z.object({
  returnId: returnIdSchema,
  orderId: orderIdSchema,
  customerId: customerIdSchema,
  email: z.string().optional(),
  /** ISO 4217, and how many decimals it has. */
  currency: z.string(),
  decimals: z.int(),
  lines: z.array(z.object({ sku: skuSchema, quantity: z.int().positive() })),
  /** How long the carrier has to collect it (milliseconds). */
  pickUpTimeout: z.int().positive(),
});
export type ReturnOrderInput = z.infer<typeof inputSchema>;

/**
 * A return from the customer's wish to the money. Until the shop has accepted what was collected, everything can be taken
 * back; from then on it owes the money. Each product is refunded and restocked by itself: one that can't be does not hold
 * up the others.
 */
export const returnOrder = saga(
  {
    name: 'returnOrder',
    version: '1',
    input: inputSchema,
    output: z.object({ refunded: z.int() }),
    events: { collected: collectedSchema },
    settled: settleReturn,
    parked: showParkedReturn,
  },
  function* (saga, { returnId, orderId, customerId, email, currency, decimals, lines, pickUpTimeout }) {
    yield* saga.step(claimItems, { returnId });
    const { tracking } = yield* saga.step(bookPickUp, { returnId, customerId, lines });

    yield* saga.call(awaitPickUp, { returnId });
    const collected = yield* waitWithReminder(saga, {
      timeout: pickUpTimeout,
      wait: (timeout) => saga.waitFor('collected', { timeout }),
      remind: email ? (givenUpAt) => saga.call(remindCustomer, { returnId, email, tracking, givenUpAt }) : undefined,
    });
    if (!collected) return yield* saga.fail({ code: 'notCollected', message: 'nothing was collected in time' });

    const { accepted } = yield* saga.pivot(acceptReturn, { returnId, lines: collected.lines });
    yield* saga.map(
      accepted,
      function* ({ sku, refund }) {
        if (refund > 0) yield* saga.step(refundItem, { returnId, orderId, sku, amount: refund }, { key: sku });
        yield* saga.step(restockItem, { returnId, sku }, { key: sku });
      },
      { concurrency: REFUNDS_AT_ONCE },
    );
    const refunded = accepted.reduce((sum, { refund }) => sum + refund, 0);
    if (email) yield* saga.call(confirmReturn, { returnId, orderId, email, refunded, currency, decimals });
    return { refunded };
  },
);
