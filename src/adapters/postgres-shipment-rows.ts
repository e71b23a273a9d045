import type { Ledger } from 'durable-saga/postgres';
import { orderIdSchema } from '../domain/ids';
import type { Clock, ShipmentRow, ShipmentRows } from '../ports';
import type { Database } from './postgres-database';

interface Row {
  order_id: string;
  shipment_id: string;
  tracking: string;
  state: ShipmentRow['state'];
}

/** What we know of shipments, in table `shipments`: one row an order. */
export function createPostgresShipmentRows(database: Database, ledger: Ledger, clock: Clock): ShipmentRows {
  return {
    async find(id) {
      const { rows } = await database.query<Row>(
        'select order_id, shipment_id, tracking, state from shipments where order_id = $1',
        [id],
      );
      return rows[0] && toShipmentRow(rows[0]);
    },

    async recordBooked(key, { orderId, shipmentId, tracking }) {
      await database.transaction((tx) =>
        ledger.once(tx, key, async () => {
          await tx.query(
            `insert into shipments (order_id, shipment_id, tracking, state, updated_at) values ($1, $2, $3, 'booked', $4)`,
            [orderId, shipmentId, tracking, clock.now()],
          );
          return { shipmentId };
        }),
      );
    },
  };
}

function toShipmentRow(row: Row): ShipmentRow {
  const { shipment_id: shipmentId, tracking, state } = row;
  return { orderId: orderIdSchema.parse(row.order_id), shipmentId, tracking, state };
}
