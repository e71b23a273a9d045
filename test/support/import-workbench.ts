import { importOrdersBatch } from '../../activities/import-orders-batch';
import { importProductsBatch } from '../../activities/import-products-batch';
import { writeImportReport } from '../../activities/write-import-report';
import { createBlobFiles } from '../../src/adapters/azure-blobs';
import { createPostgresImports } from '../../src/adapters/postgres-imports';
import type { OrderId } from '../../src/domain/ids';
import { batchResultSchema, importIdOf } from '../../src/domain/import';
import type { BatchResult, ImportCursor, ImportedFile } from '../../src/domain/import';
import type { Files, Imports, OrderStarter } from '../../src/ports';
import { startBlobStorage } from './blob-storage';
import type { InMemoryShop } from './in-memory-shop';
import { createPostgresShop, startOrdersDatabase } from './orders-database';
import type { OrdersDatabase } from './orders-database';

/** A report as its file has it. */
export interface Report {
  readonly file: string;
  readonly etag: string;
  readonly problem?: { readonly code: string; readonly message: string };
  readonly ignoredColumns?: readonly string[];
  readonly rows: number;
  readonly rejectedRows: number;
  readonly products?: number;
  readonly orders?: { readonly accepted: number; readonly repeated: number; readonly rejected: number };
  readonly totals?: { readonly currency: string; readonly accepted: string; readonly repeated: string };
  readonly rejected: readonly { readonly row: number; readonly order?: string; readonly reason: string }[];
}

/** The activities of the imports over a real PostgreSQL and a real blob store, run as their orchestrations run them. */
export interface ImportWorkbench {
  readonly db: OrdersDatabase;
  readonly shop: InMemoryShop;
  readonly files: Files;
  readonly imports: Imports;
  /** Orders whose sagas were started, in the order of the starts; failing ones not. */
  readonly started: OrderId[];
  /** Lines that the activities logged. */
  readonly logged: string[];
  /** Orders whose start is to fail. */
  readonly unstartable: Set<string>;
  /** Writes the file; `path` is e.g. `orders/june.csv`. */
  upload(path: string, content: string | Buffer): Promise<ImportedFile>;
  runBatch(
    kind: 'orders' | 'products',
    file: ImportedFile,
    cursor?: ImportCursor,
    number?: number,
  ): Promise<BatchResult>;
  /** Imports an uploaded file to its end and gives back its report. With `isRepeated` each activity is run twice. */
  importFile(
    kind: 'orders' | 'products',
    file: ImportedFile,
    options?: { readonly isRepeated?: boolean },
  ): Promise<Report>;
  clear(): Promise<void>;
  stop(): Promise<void>;
}

export async function createImportWorkbench(): Promise<ImportWorkbench> {
  const [db, storage] = await Promise.all([startOrdersDatabase(), startBlobStorage()]);
  const shop = createPostgresShop(db);
  const files = createBlobFiles(storage, 'imports');
  const imports = createPostgresImports(db.database, db.clock);
  const started: OrderId[] = [];
  const logged: string[] = [];
  const unstartable = new Set<string>();
  const starter: OrderStarter<unknown> = {
    async start(_client, id) {
      if (unstartable.has(id)) throw new Error('the task hub is away');
      const order = await shop.orders.find(id);
      if (!order || order.startedAt) return;
      started.push(id);
      await shop.orders.markStarted(id);
    },
  };
  const ports = { ...shop, files, imports, starter, currency: { code: 'usd', decimals: 2 } };
  const batches = { orders: importOrdersBatch.bind(ports), products: importProductsBatch.bind(ports) };
  const report = writeImportReport.bind(ports);
  const sayAs =
    (level: string) =>
    (...message: readonly unknown[]): void =>
      void logged.push(`${level}${message.map(String).join(' ')}`);

  async function call(bound: typeof report, key: string, input: unknown): Promise<unknown> {
    const client = { startNew: () => Promise.reject(new Error('nothing is started here')) } as never;
    const seam = { client, log: sayAs(''), warn: sayAs('warning: ') };
    const reply = await bound.run({ $step: { key, instanceId: 'import', attempt: 1 }, input }, seam);
    if (!reply.ok) throw new Error(reply.failure.message);
    return reply.value;
  }

  const bench: ImportWorkbench = {
    db,
    shop,
    files,
    imports,
    started,
    logged,
    unstartable,

    async upload(path, content) {
      await files.write(path, only(content), 'text/csv');
      const opened = await files.open(path);
      if (opened.kind !== 'file') throw new Error(`expected ${path} to be there`);
      return { path, etag: opened.etag, importId: importIdOf(path, opened.etag) };
    },

    async runBatch(kind, file, cursor, number = 1) {
      return batchResultSchema.parse(await call(batches[kind], `${file.importId}/${kind}#${number}`, { file, cursor }));
    },

    async importFile(kind, file, { isRepeated = false } = {}) {
      let cursor: ImportCursor | undefined;
      let rows = 0;
      for (let number = 1; ; number += 1) {
        if (isRepeated) await bench.runBatch(kind, file, cursor, number);
        const batch = await bench.runBatch(kind, file, cursor, number);
        rows += batch.rows;
        if (batch.kind === 'more') {
          cursor = batch.cursor;
          continue;
        }
        const request = { file, kind, rows, ignored: batch.ignored, problem: batch.problem };
        if (isRepeated) await call(report, 'report', request);
        const result = (await call(report, 'report', request)) as { report: string };
        return readJson(files, result.report) as Promise<Report>;
      }
    },

    async clear() {
      await db.clear();
      await db.database.query('truncate imports, import_orders, import_rejections, stuck_notices');
      started.length = 0;
      logged.length = 0;
      unstartable.clear();
    },

    async stop() {
      await Promise.all([db.stop(), storage.stop()]);
    },
  };
  return bench;
}

export async function readJson(files: Files, path: string): Promise<unknown> {
  const opened = await files.open(path);
  if (opened.kind !== 'file') throw new Error(`expected ${path}, it is ${opened.kind}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.read(0)) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
}

async function* only(content: string | Buffer): AsyncGenerator<string | Uint8Array> {
  yield content;
}
