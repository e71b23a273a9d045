import { activity } from 'durable-saga';
import { z } from 'zod';
import { customerIdSchema, orderIdSchema, skuSchema } from '../src/domain/ids';
import type { Carrier, ShipmentRows } from '../src/ports';
import { OUTSIDE_TIMEOUT, outsideCall } from './retry-policy';

interface Ports {
  readonly carrier: Carrier;
  readonly shipmentRows: ShipmentRows;
}

/** Books the order's parcel with the carrier, then notes it in a row. Comes after the pivot, so there is no way back. */
export const bookShipment = activity({
  name: 'bookShipment',
  input: z.object({
    orderId: orderIdSchema,
    customerId: customerIdSchema,
    lines: z.array(z.object({ sku: skuSchema, quantity: z.int().positive() })),
  }),
  output: z.object({ shipmentId: z.string(), tracking: z.string() }),
  retry: outsideCall,
  timeout: OUTSIDE_TIMEOUT,
  run:
    ({ carrier, shipmentRows }: Ports) =>
    async (shipment, step) => {
      const { shipmentId, tracking } = await carrier.book(step.key, shipment);
      await shipmentRows.recordBooked(step.key, { orderId: shipment.orderId, shipmentId, tracking });
      return { shipmentId, tracking };
    },
});
