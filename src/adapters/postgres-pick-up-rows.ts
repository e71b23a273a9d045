import { LedgerTombstone } from 'durable-saga/postgres';
import type { Ledger } from 'durable-saga/postgres';
import { returnIdSchema } from '../domain/ids';
import type { Clock, PickUpRow, PickUpRows } from '../ports';
import type { Database } from './postgres-database';

interface Row {
  return_id: string;
  pick_up_id: string;
  tracking: string;
  state: PickUpRow['state'];
}

/** What we know of pick-ups, in table `pick_ups`: one row a return. */
export function createPostgresPickUpRows(database: Database, ledger: Ledger, clock: Clock): PickUpRows {
  return {
    async find(id) {
      const { rows } = await database.query<Row>(
        'select return_id, pick_up_id, tracking, state from pick_ups where return_id = $1',
        [id],
      );
      return rows[0] && toPickUpRow(rows[0]);
    },

    async recordBooked(key, { returnId, pickUpId, tracking }) {
      try {
        await database.transaction((tx) =>
          ledger.once(tx, key, async () => {
            await tx.query(
              `insert into pick_ups (return_id, pick_up_id, tracking, state, key, updated_at)
               values ($1, $2, $3, 'booked', $4, $5)`,
              [returnId, pickUpId, tracking, key, clock.now()],
            );
            return { pickUpId };
          }),
        );
        return 'recorded';
      } catch (error) {
        if (error instanceof LedgerTombstone) return 'undone';
        throw error;
      }
    },

    async undoBooked(key) {
      return database.transaction(async (tx) => {
        // The row stays, as what tells the pick-up, until the carrier has called it off.
        await ledger.undo(tx, key, () => Promise.resolve());
        const { rows } = await tx.query<{ pick_up_id: string }>('select pick_up_id from pick_ups where key = $1', [
          key,
        ]);
        return { pickUpId: rows[0]?.pick_up_id };
      });
    },

    async recordCancelled(id) {
      await database.query(
        `update pick_ups set state = 'cancelled', updated_at = $2 where return_id = $1 and state = 'booked'`,
        [id, clock.now()],
      );
    },
  };
}

function toPickUpRow({ return_id: returnId, pick_up_id: pickUpId, tracking, state }: Row): PickUpRow {
  return { returnId: returnIdSchema.parse(returnId), pickUpId, tracking, state };
}
