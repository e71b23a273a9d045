import { registerSagas } from 'durable-saga';
import type { SagaPath } from 'durable-saga/diagram';
import type { World } from '../../packages/durable-saga/test/support/failure-table';
import { authorisePayment } from '../../activities/authorise-payment';
import { bookShipment } from '../../activities/book-shipment';
import { capturePayment } from '../../activities/capture-payment';
import { confirmOrder } from '../../activities/confirm-order';
import { recordApproval, remindApprover, requestApproval } from '../../activities/request-approval';
import { reserveStock } from '../../activities/reserve-stock';
import { settleOrder } from '../../activities/settle';
import { showParked } from '../../activities/show-parked';
import { placeOrder } from '../../orchestrations/place-order';
import type { PlaceOrderInput } from '../../orchestrations/place-order';
import { createInMemoryCarrier } from './in-memory-carrier';
import { createInMemoryMailer } from './in-memory-mailer';
import { createInMemoryPayments } from './in-memory-payments';
import { createInMemoryShop } from './in-memory-shop';
import { createTestClock } from './orders-database';
import { cup, sampleOrder, tea } from './sample-orders';

type Ports = ReturnType<typeof createPorts>;

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
export function registerPlaceOrder(ports: Ports): void {
  registerSagas({
    ports,
    sagas: [placeOrder],
    activities: [
      reserveStock,
      requestApproval,
      remindApprover,
      recordApproval,
      authorisePayment,
      capturePayment,
      bookShipment,
      confirmOrder,
      settleOrder,
      showParked,
    ],
  });
}

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
    async check(outcome) {
      expect(await ports.orders.find(orderId)).toMatchObject({ status: outcome });
    },
  };
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
