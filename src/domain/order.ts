import type { CustomerId, OrderId, Sku } from './ids';
import type { OrderStatus, StatusReason } from './order-status';

/** A product of the catalogue. `unitPrice` is in minor units of the shop's currency. */
export interface Product {
  readonly sku: Sku;
  readonly name: string;
  readonly unitPrice: number;
  readonly stock: number;
}

/** One line of an order. `unitPrice` and `amount` are in minor units; `discount` is a decimal from "0" to "1". */
export interface OrderLine {
  readonly sku: Sku;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly discount: string;
  /** quantity x unitPrice x (1 - discount), rounded half-up. */
  readonly amount: number;
}

/** An order that is valid and priced, ready to be written. */
export interface NewOrder {
  readonly id: OrderId;
  /** Tells a repeated request from a different one under the same id. */
  readonly bodyHash: string;
  readonly source: 'http' | 'import' | 'queue';
  readonly customerId: CustomerId;
  readonly email?: string | undefined;
  readonly paymentMethod: string;
  /** ISO 4217, lower case. */
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  /** The sum of the lines' amounts. */
  readonly total: number;
}

/** An order as its row has it. */
export interface StoredOrder extends NewOrder {
  /** The task hub of its saga; undefined in rows from before there could be two. */
  readonly taskHub?: string | undefined;
  readonly status: OrderStatus;
  readonly statusReason?: StatusReason | undefined;
  readonly createdAt: Date;
  /** When its saga is known to have been started. */
  readonly startedAt?: Date | undefined;
  readonly updatedAt: Date;
}

/** What to take from stock for an order: one entry a product, however many lines name it, in the order of the lines. */
export function toReservations(
  lines: readonly Pick<OrderLine, 'sku' | 'quantity'>[],
): readonly { readonly sku: Sku; readonly quantity: number }[] {
  const quantities = new Map<Sku, number>();
  for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}
