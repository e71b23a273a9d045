import type { Registration } from 'durable-saga';
import type { SagaPath } from 'durable-saga/diagram';
import type { World } from '../../packages/durable-saga/test/support/failure-table';
import { placeOrder } from '../../orchestrations/place-order';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import { placeOrderActivities } from '../../src/sagas';
import { createInMemoryCarrier } from './in-memory-carrier';
import { createInMemoryMailer } from './in-memory-mailer';
import { createInMemoryPayments } from './in-memory-payments';
import { createInMemoryShop } from './in-memory-shop';
import { createTestClock } from './orders-database';
import { cup, sampleOrder, tea } from './sample-orders';

export type PlaceOrderPorts = ReturnType<typeof createPorts>;
type Ports = PlaceOrderPorts;

function createPorts() {
  return {
    ...createInMemoryShop(createTestClock()),
    payments: createInMemoryPayments(),
    carrier: createInMemoryCarrier(),
    mailer: createInMemoryMailer(),
    opsEmail: 'ops@example.com',
  };
}

/** The saga and its activities, as the app registers them. */
export const placeOrderOver = (ports: Ports): Registration<Ports> => ({
  ports,
  sagas: [placeOrder],
  activities: placeOrderActivities,
});

/** The business in memory, with the row of the order that a path is about, and its books. */
export async function createPlaceOrderWorld({
  input,
}: Pick<SagaPath<PlaceOrderInput>, 'input'>): Promise<World<Ports>> {
  const { orderId, paymentMethod } = input;
  const ports = createPorts();
  await ports.catalogue.put('catalogue', [tea, cup]);
  await ports.orders.accept({ ...sampleOrder(orderId), paymentMethod });
  await ports.orders.markStarted(orderId);
  return {
    ports,
    async books() {
      const products = await ports.catalogue.find([tea.sku, cup.sku]);
      const intents = [...ports.payments.intents.values()];
      const payment = await ports.paymentRows.find(orderId);
      const shipment = await ports.shipmentRows.find(orderId);
      const mails = (to: string | undefined) =>
        new Set(ports.mailer.sent.filter((mail) => mail.to === to).map(({ messageId }) => messageId)).size;
      return {
        tea: products.get(tea.sku)?.stock ?? 0,
        cup: products.get(cup.sku)?.stock ?? 0,
        held: sum(intents.filter(({ state }) => state === 'held').map(({ amount }) => amount)),
        captured: sum(intents.map(({ captured }) => captured)),
        heldRow: payment?.state === 'authorised' ? payment.amount : 0,
        capturedRow: payment?.state === 'captured' ? payment.amount : 0,
        parcels: ports.carrier.shipments.length,
        shipmentRow: shipment?.state === 'booked' ? 1 : 0,
        mailsToBuyer: mails(input.email),
        mailsToOps: mails(ports.opsEmail),
      };
    },
    async check({ outcome }) {
      const status = (await ports.orders.find(orderId))?.status;
      if (status !== outcome) throw new Error(`expected the row to say ${outcome}, got ${status}`);
    },
  };
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
