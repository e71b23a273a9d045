import type { PickUp } from './pick-up';
import type { Shipment } from './shipment';

export interface Summary {
  readonly shipments: { readonly total: number; readonly booked: number; readonly cancelled: number };
  /** Orders with a booked shipment, and of those the ones with more than one. */
  readonly orders: {
    readonly shipped: number;
    readonly duplicates: number;
    /** The first of the duplicates. */
    readonly examples: readonly { readonly orderId: string; readonly booked: number }[];
  };
  /** `duplicates`: returns with more than one pick-up that was not called off. */
  readonly pickUps: Readonly<Record<PickUp['state'] | 'total' | 'duplicates', number>>;
}

const EXAMPLES = 20;

export function summarise(shipments: readonly Shipment[], pickUps: readonly PickUp[]): Summary {
  const orders = countBy(shipments, ({ orderId, state }) => (state === 'booked' ? orderId : undefined));
  const booked = [...orders.values()].reduce((sum, count) => sum + count, 0);
  const duplicates = [...orders].filter(([, count]) => count > 1);
  const returns = countBy(pickUps, ({ returnId, state }) => (state === 'cancelled' ? undefined : returnId));
  const states = countBy(pickUps, ({ state }) => state);
  return {
    shipments: { total: shipments.length, booked, cancelled: shipments.length - booked },
    orders: {
      shipped: orders.size,
      duplicates: duplicates.length,
      examples: duplicates.slice(0, EXAMPLES).map(([orderId, count]) => ({ orderId, booked: count })),
    },
    pickUps: {
      total: pickUps.length,
      booked: states.get('booked') ?? 0,
      collected: states.get('collected') ?? 0,
      cancelled: states.get('cancelled') ?? 0,
      duplicates: [...returns.values()].filter((count) => count > 1).length,
    },
  };
}

function countBy<Item>(items: readonly Item[], groupOf: (item: Item) => string | undefined): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    const group = groupOf(item);
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  return counts;
}
