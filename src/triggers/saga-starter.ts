import type { InstanceStatus, DurableClientPort } from 'durable-saga';
import type { SagaRows, SagaStarter } from '../ports';
import { hubToStartIn } from './task-hubs';
import type { HubRow, TaskHubs } from './task-hubs';

/** What is shown of a saga. */
export type ShownSaga = Pick<
  InstanceStatus<unknown>,
  'state' | 'pivot' | 'steps' | 'summary' | 'waitingFor' | 'parked' | 'cancel' | 'failure'
>;

interface StartableRow extends HubRow {
  readonly status: string;
  readonly startedAt?: Date | undefined;
}

/**
 * Starts the sagas of rows, each once.
 *
 * The row says whether that was done. Where it doesn't, the saga may run all the same: whoever started it died before
 * the note. So the instance itself is asked too, and one that is there, running or ended, is left alone. A row of another
 * app's task hub is not started: that throws `SagaOutOfReach`.
 */
export function createStarter<Id extends string, Row extends StartableRow>(
  what: 'order' | 'return',
  rows: Pick<SagaRows<Id>, 'markStarted' | 'adopt'> & { find(id: Id): Promise<Row | undefined> },
  startSaga: (client: DurableClientPort, row: Row) => Promise<unknown>,
): SagaStarter<TaskHubs, Id> {
  return {
    async start(hubs, id) {
      const row = await rows.find(id);
      if (!row) throw new Error(`expected a row of ${what} ${id} before its saga is started, found none`);
      if (row.status !== 'accepted' || row.startedAt) return;
      const client = await hubToStartIn(hubs, row, (taskHub) => rows.adopt(id, taskHub));
      await startSaga(client, row);
      await rows.markStarted(id);
    },
  };
}
