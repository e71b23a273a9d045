import type { Shipment } from './shipment';

/** All shipments, in memory, in the order in which they were booked. */
export interface Shipments {
  find(id: string): Shipment | undefined;
  put(shipment: Shipment): void;
  /** By number from `after` on. */
  list(after: number, limit: number, orderId: string | undefined): readonly NumberedShipment[];
  summarise(): Summary;
}

interface NumberedShipment extends Shipment {
  readonly number: number;
}

export interface Summary {
  readonly shipments: { readonly total: number; readonly booked: number; readonly cancelled: number };
  /** Orders with a booked shipment, and of those the ones with more than one. */
  readonly orders: {
    readonly shipped: number;
    readonly duplicates: number;
    /** The first of the duplicates. */
    readonly examples: readonly { readonly orderId: string; readonly booked: number }[];
  };
}

const EXAMPLES = 20;

export function createShipments(): Shipments {
  const shipments: Shipment[] = [];
  const numbers = new Map<string, number>();
  return {
    find: (id) => shipments[numbers.get(id) ?? -1],
    put(shipment) {
      const index = numbers.get(shipment.shipmentId) ?? shipments.length;
      numbers.set(shipment.shipmentId, index);
      shipments[index] = shipment;
    },
    list(after, limit, orderId) {
      const found: NumberedShipment[] = [];
      for (let index = after; index < shipments.length && found.length < limit; index += 1) {
        const shipment = shipments[index]!;
        if (orderId === undefined || shipment.orderId === orderId) found.push({ number: index + 1, ...shipment });
      }
      return found;
    },
    summarise() {
      const orders = new Map<string, number>();
      for (const { orderId, state } of shipments) {
        if (state === 'booked') orders.set(orderId, (orders.get(orderId) ?? 0) + 1);
      }
      const booked = [...orders.values()].reduce((sum, count) => sum + count, 0);
      const duplicates = [...orders].filter(([, count]) => count > 1);
      return {
        shipments: { total: shipments.length, booked, cancelled: shipments.length - booked },
        orders: {
          shipped: orders.size,
          duplicates: duplicates.length,
          examples: duplicates.slice(0, EXAMPLES).map(([orderId, count]) => ({ orderId, booked: count })),
        },
      };
    },
  };
}
