import type { Registration } from 'durable-saga';
import type { SagaPath } from 'durable-saga/diagram';
import type { World } from '../../packages/durable-saga/test/support/failure-table';
import { returnOrder } from '../../orchestrations/return-order';
import type { ReturnOrderInput } from '../../orchestrations/return-order';
import type { ReturnId } from '../../src/domain/ids';
import { orderIdOf } from '../../src/domain/ids';
import type { Product } from '../../src/domain/order';
import { returnOrderActivities } from '../../src/sagas';
import { createInMemoryCarrier } from './in-memory-carrier';
import { createInMemoryMailer } from './in-memory-mailer';
import { createInMemoryPayments } from './in-memory-payments';
import { createInMemoryShop } from './in-memory-shop';
import { createTestClock } from './orders-database';
import { cup, sampleOrder, sampleReturn, tea } from './sample-orders';

export type ReturnPorts = ReturnType<typeof createReturnPorts>;

/** The business in memory, as far as returns need it. */
export function createReturnPorts() {
  return {
    ...createInMemoryShop(createTestClock()),
    payments: createInMemoryPayments(),
    carrier: createInMemoryCarrier(),
    mailer: createInMemoryMailer(),
  };
}

/** The saga and its activities, as the app registers them. */
export const returnOrderOver = (ports: ReturnPorts): Registration<ReturnPorts> => ({
  ports,
  sagas: [returnOrder],
  activities: returnOrderActivities,
});

/** Writes a completed order of three teas and two cups (6,350), paid by card, and the row of a return of it. */
export async function openReturn(
  ports: ReturnPorts,
  returnId: ReturnId,
  pieces: readonly (readonly [Product, number])[],
): Promise<void> {
  const orderId = orderIdOf(returnId);
  const order = sampleOrder(orderId, [
    [tea, 3],
    [cup, 2],
  ]);
  await ports.catalogue.put('catalogue', [tea, cup]);
  await ports.orders.accept(order);
  const { currency, paymentMethod, total: amount } = order;
  const authorised = await ports.payments.authorise('auth', { orderId, amount, currency, paymentMethod });
  if (authorised.kind === 'declined') throw new Error(`expected ${orderId} to be paid, got ${authorised.code}`);
  const { intentId } = authorised;
  await ports.paymentRows.recordAuthorised('auth', { orderId, intentId, amount, currency });
  await ports.payments.capture('capture', { intentId, amount });
  await ports.paymentRows.recordCaptured('capture', orderId);
  await ports.orders.settle(orderId, 'completed', undefined);
  await ports.returns.accept(sampleReturn(returnId, pieces));
}

/** The business in memory, with the row of the return that a path is about, and its books. */
export async function createReturnOrderWorld({
  input,
}: Pick<SagaPath<ReturnOrderInput>, 'input'>): Promise<World<ReturnPorts>> {
  const { returnId, orderId } = input;
  const ports = createReturnPorts();
  await openReturn(ports, returnId, [
    [tea, 2],
    [cup, 1],
  ]);
  await ports.returns.markStarted(returnId);
  return {
    ports,
    async books() {
      const products = await ports.catalogue.find([tea.sku, cup.sku]);
      const left = await ports.returnedItems.findLeft(orderId);
      const lines = (await ports.returns.find(returnId))?.lines ?? [];
      const pickUp = await ports.pickUpRows.find(returnId);
      const [intent] = ports.payments.intents.values();
      const openPickUps = ports.carrier.pickUps.filter(({ state }) => state !== 'cancelled');
      return {
        tea: products.get(tea.sku)?.stock ?? 0,
        cup: products.get(cup.sku)?.stock ?? 0,
        teaLeft: left.get(tea.sku) ?? 0,
        cupLeft: left.get(cup.sku) ?? 0,
        owed: lines.reduce((sum, { refund }) => sum + (refund ?? 0), 0),
        refunded: intent?.refunded ?? 0,
        refundedRow: (await ports.paymentRows.find(orderId))?.refunded ?? 0,
        pickUps: openPickUps.length,
        pickUpRow: pickUp === undefined || pickUp.state === 'cancelled' ? 0 : 1,
        mails: new Set(ports.mailer.sent.map(({ messageId }) => messageId)).size,
      };
    },
    async check({ outcome }) {
      const status = (await ports.returns.find(returnId))?.status;
      if (status !== outcome) throw new Error(`expected the row to say ${outcome}, got ${status}`);
    },
  };
}
