import type { InvocationContext, StorageBlobHandler } from '@azure/functions';
import { sagaClients } from 'durable-saga';
import type { DurableClientPort, SagaObserver } from 'durable-saga';
import { importOrders } from '../../../orchestrations/import-orders';
import { importProducts } from '../../../orchestrations/import-products';
import { importIdOf } from '../../domain/import';
import type { ImportFile, ImportedFile } from '../../domain/import';
import type { Files, Imports } from '../../ports';
import { nameOf, reachSaga } from '../task-hubs';
import type { TaskHubs, TaskHubsOf } from '../task-hubs';

const definitions = { importOrders, importProducts };

/** The container of the files; the triggers watch `orders/{name}.csv` and `products/{name}.csv` in it. */
export const IMPORT_CONTAINER = 'imports';

interface Deps {
  readonly files: Files;
  readonly imports: Pick<Imports, 'claim' | 'adopt'>;
  readonly hubsOf: TaskHubsOf;
  /** Milliseconds. */
  readonly pause: (duration: number) => Promise<unknown>;
  readonly observer?: SagaObserver | undefined;
}

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** Milliseconds; well within `functionTimeout`. */
const PATIENCE = 300_000;

/**
 * Start the import of a file that was uploaded, and nothing else: an import takes longer than an invocation may, and a
 * failed one must go on where it was, not begin again.
 *
 * A host tries a blob five times at once and then never again, but a database that is started anew needs seconds. So the
 * start is tried for minutes here; a host that dies meanwhile finds the file again.
 *
 * The import's id is made of the file's path and ETag, so a file that is announced again (a trigger's receipt may be
 * lost, Event Grid may repeat itself) has its import already. Functions on Node hand the whole file to the handler,
 * which doesn't look at it: files up to tens of megabytes, hundreds of thousands of rows, are fine.
 *
 * Where there are two apps, both see each file. The one that claims it first imports it, and the other leaves it.
 */
export function startOrdersImport(deps: Deps): StorageBlobHandler {
  const sagas = sagaClients(definitions, { observer: deps.observer });
  return startingImport(deps, 'orders', (client, file) =>
    sagas(client).importOrders.start(file, { id: file.importId }),
  );
}

export function startProductsImport(deps: Deps): StorageBlobHandler {
  const sagas = sagaClients(definitions, { observer: deps.observer });
  return startingImport(deps, 'products', (client, file) =>
    sagas(client).importProducts.start(file, { id: file.importId }),
  );
}

type Start = (client: DurableClientPort, file: ImportedFile) => Promise<{ readonly started: boolean }>;

function startingImport(deps: Deps, kind: ImportFile['kind'], start: Start): StorageBlobHandler {
  return async (_blob, context) => {
    const path = readPath(context);
    let waited = 0;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      try {
        await startOnce(deps, { kind, start }, path, context);
        return;
      } catch (error) {
        if (waited >= PATIENCE) throw error;
        context.warn(`the import of ${path} could not be started, which is tried again in ${pause} ms:`, error);
      }
      await deps.pause(pause);
      waited += pause;
    }
  };
}

async function startOnce(
  { files, imports, hubsOf }: Deps,
  { kind, start }: { readonly kind: ImportFile['kind']; readonly start: Start },
  path: string,
  context: InvocationContext,
): Promise<void> {
  const opened = await files.open(path);
  if (opened.kind !== 'file') {
    context.warn(`${path} was deleted before its import could start: nothing is imported`);
    return;
  }
  const file = { path, etag: opened.etag, importId: importIdOf(path, opened.etag) };
  const hubs = hubsOf(context);
  const claimedBy = hubs.other && (await claim(imports, hubs, { ...file, kind }));
  if (claimedBy !== undefined && claimedBy !== hubs.own.taskHubName) {
    context.log(`${file.importId} is imported by the app of task hub "${claimedBy}"`);
    return;
  }
  const { started } = await start(hubs.own, file);
  context.log(started ? `started ${file.importId}` : `${file.importId} has been started before`);
}

/** The task hub in which the file is imported. */
async function claim(imports: Deps['imports'], hubs: TaskHubs, file: ImportFile): Promise<string> {
  const claimedBy = await imports.claim(file, nameOf(hubs.own));
  return claimedBy ?? imports.adopt(file.importId, nameOf(await reachSaga(hubs, { id: file.importId })));
}

/** The blob's path in its container; the trigger tells it with the container's name before it. */
function readPath({ triggerMetadata }: InvocationContext): string {
  const blob = triggerMetadata?.['blobTrigger'];
  if (typeof blob === 'string' && blob.startsWith(`${IMPORT_CONTAINER}/`))
    return blob.slice(IMPORT_CONTAINER.length + 1);
  throw new Error(
    `expected trigger metadata blobTrigger of a blob in ${IMPORT_CONTAINER}, got ${JSON.stringify(blob)}`,
  );
}
