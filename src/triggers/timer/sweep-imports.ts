import type { InvocationContext, TimerHandler } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { DurableClientPort, InstanceStatus, SagaObserver } from 'durable-saga';
import { importOrders } from '../../../orchestrations/import-orders';
import { importProducts } from '../../../orchestrations/import-products';
import { forEachConcurrently } from '../../domain/concurrently';
import type { UnfinishedImport } from '../../domain/import';
import type { FinalStatus, StatusReason } from '../../domain/order-status';
import type { Clock, Imports, StuckSagas } from '../../ports';
import { SagaOutOfReach, hubToStartIn } from '../task-hubs';
import type { TaskHubs, TaskHubsOf } from '../task-hubs';

/*
 * An import has a row and a saga, which are two places, so that either may be missing:
 *
 * - A row without a saga: its app claimed the file and died before the start, and its blob trigger never brought the file
 *   again, since Event Grid gave up, or the trigger is off by now because the other app leads. It is started under its own id;
 *   should the trigger bring it in the same moment, it is one start. Whether the file is still there is the saga's business,
 *   which writes that into row and report.
 * - A row that is open while its saga has ended: the saga writes the row's end itself, but for one that broke or that
 *   somebody stopped. The row is ended here, with the reason. Otherwise the app would never be drained, the ledger never cut,
 *   and the import started again when its history is purged. Operators hear of it by the watch's mail.
 *
 * No import is started whose history may have been purged: those are as old as what the retention takes.
 */

const DAY = 86_400_000;
const PAGE = 200;
const AT_ONCE = 8;

interface Deps {
  readonly imports: Pick<Imports, 'listUnfinished' | 'adopt' | 'finish' | 'giveUp'>;
  readonly stuckSagas: Pick<StuckSagas, 'noteEnd'>;
  readonly hubsOf: TaskHubsOf;
  readonly clock: Clock;
  /** Milliseconds: younger rows are just being started by whoever claimed them. */
  readonly startGrace: number;
  readonly retentionDays: number;
  readonly observer?: SagaObserver | undefined;
}

type Status = InstanceStatus<unknown>;

/** An import's saga, of whichever kind. */
interface ImportSaga {
  status(): Promise<Status | undefined>;
  start(): Promise<unknown>;
}

/** Each minute: starts the imports of this app whose start was lost, and ends those whose saga ended without doing that. */
export function sweepImports(deps: Deps): TimerHandler {
  const sagas = sagaClients({ importOrders, importProducts }, { observer: deps.observer });
  const sagaOf = (client: DurableClientPort, { kind, importId: id, path, etag }: UnfinishedImport): ImportSaga => {
    const file = { importId: id, path, etag };
    const { importOrders: ofOrders, importProducts: ofProducts } = sagas(client);
    return kind === 'orders'
      ? { status: () => ofOrders.get(id).status(), start: () => ofOrders.start(file, { id }) }
      : { status: () => ofProducts.get(id).status(), start: () => ofProducts.start(file, { id }) };
  };

  return async (_timer, context) => {
    const now = deps.clock.now().getTime();
    const startedBefore = new Date(now - deps.startGrace);
    const purgedBefore = new Date(now - deps.retentionDays * DAY);
    const hubs = deps.hubsOf(context);
    const failures: unknown[] = [];
    let after: string | undefined;
    do {
      const page = await deps.imports.listUnfinished(hubs.own.taskHubName, { startedBefore, after, limit: PAGE });
      await forEachConcurrently(AT_ONCE, page, async (row) => {
        try {
          const client = await ownHub(deps, hubs, row);
          if (client) await sweep(deps, row, { saga: sagaOf(client, row), purgedBefore, context });
        } catch (error) {
          context.warn(`${row.importId} could not be looked after:`, error);
          failures.push(error);
        }
      });
      after = page.length === PAGE ? page.at(-1)?.importId : undefined;
    } while (after !== undefined);
    if (failures.length > 0) {
      throw new Error(`${failures.length} imports could not be looked after; the next run does it`, {
        cause: failures[0],
      });
    }
  };
}

/** The own hub's client; undefined when the import turns out to be the other app's. */
async function ownHub(
  { imports }: Deps,
  hubs: TaskHubs,
  row: UnfinishedImport,
): Promise<DurableClientPort | undefined> {
  try {
    return await hubToStartIn(hubs, { id: row.importId, taskHub: row.taskHub }, (taskHub) =>
      imports.adopt(row.importId, taskHub),
    );
  } catch (error) {
    if (error instanceof SagaOutOfReach) return undefined;
    throw error;
  }
}

async function sweep(
  deps: Deps,
  row: UnfinishedImport,
  about: { readonly saga: ImportSaga; readonly purgedBefore: Date; readonly context: InvocationContext },
): Promise<void> {
  const { saga, context } = about;
  const status = await saga.status();
  if (status === undefined && row.startedAt >= about.purgedBefore) {
    await saga.start();
    context.log(`started ${row.importId}, whose start had been lost`);
    return;
  }
  const end = status === undefined ? LOST : endOf(status);
  if (end === 'open') return;
  // It wrote the end first; a row that says otherwise comes from a backup.
  if (end === 'completed') return deps.imports.finish(row.importId, undefined);
  const { code, message } = end.reason;
  const reason = `it imports nothing more, ${code}: ${message}`;
  const mailKey = `broken-imports/${deps.clock.now().toISOString()}/${context.invocationId}/${row.importId}`;
  await deps.stuckSagas.noteEnd(mailKey, { instanceId: row.importId, reason });
  await deps.imports.giveUp(row.importId, end.outcome, end.reason);
  context.error(`${row.importId} (${row.path}) has ended: ${reason}`);
}

interface BadEnd {
  readonly outcome: Exclude<FinalStatus, 'completed'>;
  readonly reason: StatusReason;
}

const LOST: BadEnd = {
  outcome: 'compensationFailed',
  reason: { code: 'lost', message: 'the task hub knows nothing of it, and it is older than histories are kept' },
};

const ENDED: ReadonlySet<Status['runtimeStatus']> = new Set(['Completed', 'Failed', 'Terminated', 'Canceled']);

/** What an import has taken stays, so only one that somebody cancelled has ended as it should. */
function endOf({ runtimeStatus, outcome, state, reason }: Status): BadEnd | 'completed' | 'open' {
  if (!ENDED.has(runtimeStatus)) return 'open';
  if (outcome?.outcome === 'completed') return 'completed';
  if (outcome === undefined) {
    const message = reason ?? 'it was stopped before its end';
    return { outcome: 'compensationFailed', reason: { code: state, message } };
  }
  const { kind, code, message } = outcome.failure;
  return { outcome: kind === 'cancelled' ? 'compensated' : 'compensationFailed', reason: { code, message } };
}
