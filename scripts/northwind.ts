import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createBlobFiles } from '../src/adapters/azure-blobs';
import { forEachConcurrently } from '../src/domain/concurrently';
import { formatMoney } from '../src/domain/money';
import type { Files } from '../src/ports';
import { createAppClient } from './northwind/app-client';
import type { AppClient } from './northwind/app-client';
import { followOrders } from './northwind/follow-orders';
import { makeImportFiles } from './northwind/import-files';
import { showProgress } from './northwind/show-progress';

/**
 * Sends the orders of the Northwind company through the running app, as a team would: uploads the catalogue and the
 * orders as import files, approves what waits for approval, follows all orders to their end and prints what they came to.
 *
 * The catalogue is put back to what the files say (or restocked) by each run, and each run has orders of its own, so it
 * can be repeated at will.
 */

const usage = `Usage: npm run northwind [-- options]
  --restock       gives every product enough stock for all orders
  --prefix <p>    put before every order's id (default: new for each run)
  --data <dir>    folder of the Northwind files (default: ../shared/data/northwind)
  --url <url>     where the app answers (default: http://localhost:7071)
  --key <key>     a function key, when the host asks for one
  --json          prints the totals as JSON
Storage is that of AzureWebJobsStorage, from the environment or local.settings.json.`;

/** Longer without any change is a standstill. */
const PATIENCE_MS = 180_000;
const AT_ONCE = 16;

interface Totals {
  readonly orders: number;
  readonly completed: number;
  readonly compensated: number;
  readonly compensationFailed: number;
  readonly rejectedRows: number;
  readonly approvals: number;
  readonly completedTotal: string;
  readonly capturedTotal: string;
  readonly currency: string;
  readonly minimumStock: number;
  readonly seconds: number;
}

/** The report of an import, as far as it matters here. */
interface Report {
  readonly problem?: { readonly message: string };
  readonly orders?: { readonly accepted: number; readonly repeated: number };
  readonly rejectedRows: number;
  readonly rejected: readonly { readonly row: number; readonly reason: string }[];
  readonly totals?: { readonly currency: string };
}

async function main(): Promise<void> {
  const values = readOptions();
  if (values.help) {
    console.log(usage);
    return;
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,40}$/.test(values.prefix)) {
    throw new Error(`--prefix: expected 1 to 41 letters, digits, "_" or "-", got "${values.prefix}"`);
  }
  const startedAt = performance.now();
  const root = findRoot(__dirname);
  const settings = { ...readLocalSettings(root), ...process.env };
  const app = createAppClient(values.url ?? settings['APP_URL'] ?? 'http://localhost:7071', values.key, PATIENCE_MS);
  const dir = path.resolve(values.data ?? path.join(root, '../shared/data/northwind'));
  const files = await makeImportFiles({ dir, prefix: values.prefix, isRestocked: values.restock });
  await app.requireRunning();

  const storage = createBlobFiles(readStorage(settings), 'imports');
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`Uploading ${files.skus.length} products ...`);
  const catalogue = await importFile(storage, `products/${values.prefix}northwind`, files.products);
  requireNothingRefused('products', catalogue);
  say(`Uploading ${files.orderIds.length} orders with ids ${values.prefix}... ...`);
  const report = await followImport(app, storage, values.prefix, files.orders, files.orderIds.length);

  const totals = await sumUp(app, files.skus, report, startedAt);
  console.log(values.json ? JSON.stringify(totals) : toTable(totals));
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        restock: { type: 'boolean', default: false },
        prefix: { type: 'string', default: `nw${Math.floor(Date.now() / 1000).toString(36)}-` },
        data: { type: 'string' },
        url: { type: 'string' },
        key: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${usage}`, { cause: error });
  }
}

async function followImport(app: AppClient, storage: Files, prefix: string, orders: string, count: number) {
  const progress = showProgress(process.stderr);
  const name = `orders/${prefix}northwind`;
  await upload(storage, name, orders);
  let report: Report | undefined;
  const followed = await followOrders(app, prefix, {
    atMost: count,
    patience: PATIENCE_MS,
    onProgress: progress.draw,
    async countExpected() {
      report ??= await readReport(storage, name);
      if (report?.problem) throw new Error(`the orders could not be imported: ${report.problem.message}`);
      return report?.orders && report.orders.accepted + report.orders.repeated;
    },
  });
  progress.done();
  return { ...followed, rejectedRows: report?.rejectedRows ?? 0, currency: report?.totals?.currency ?? '' };
}

async function sumUp(
  app: AppClient,
  skus: readonly string[],
  followed: Awaited<ReturnType<typeof followImport>>,
  startedAt: number,
): Promise<Totals> {
  const { orders, approvals, rejectedRows, currency } = followed;
  let captured = 0;
  await forEachConcurrently(AT_ONCE, orders, async ({ orderId }) => {
    const { payment } = await app.showOrder(orderId);
    if (payment?.state === 'captured') captured += payment.amount;
  });
  const own = new Set(skus);
  const stock = (await app.listProducts()).filter(({ sku }) => own.has(sku)).map((product) => product.stock);
  const having = (wanted: string) => orders.filter(({ status }) => status === wanted);
  const decimals =
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  return {
    orders: orders.length,
    completed: having('completed').length,
    compensated: having('compensated').length,
    compensationFailed: having('compensationFailed').length,
    rejectedRows,
    approvals,
    completedTotal: formatMoney(
      having('completed').reduce((sum, { total }) => sum + total, 0),
      decimals,
    ),
    capturedTotal: formatMoney(captured, decimals),
    currency,
    minimumStock: Math.min(...stock),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

function toTable(totals: Totals): string {
  const rows: [string, string | number][] = [
    ['orders', totals.orders],
    ['completed', totals.completed],
    ['compensated', totals.compensated],
    ...(totals.compensationFailed > 0 ? [['compensation failed', totals.compensationFailed] as [string, number]] : []),
    ['approved by hand', totals.approvals],
    ['rows refused', totals.rejectedRows],
    ['total of the completed', `${totals.completedTotal} ${totals.currency}`],
    ['captured', `${totals.capturedTotal} ${totals.currency}`],
    ['least stock of a product', totals.minimumStock],
    ['seconds', totals.seconds],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** Uploads a file and waits for the report of its import. */
async function importFile(storage: Files, name: string, content: string): Promise<Report> {
  await upload(storage, name, content);
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const report = await readReport(storage, name);
    if (report) return report;
    if (performance.now() > deadline) {
      throw new Error(
        `There is no report of imports/${name}.csv after ${PATIENCE_MS / 1000} s. The host's log tells more.`,
      );
    }
    await wait(250);
  }
}

async function upload(storage: Files, name: string, content: string): Promise<void> {
  // A report of an earlier run under the same name would be taken for this one's.
  const old = await storage.open(`${name}.report.json`);
  if (old.kind === 'file') await storage.remove({ path: `${name}.report.json`, etag: old.etag });
  await storage.write(`${name}.csv`, only(content), 'text/csv');
}

async function* only(content: string): AsyncGenerator<string> {
  yield content;
}

async function readReport(storage: Files, name: string): Promise<Report | undefined> {
  const opened = await storage.open(`${name}.report.json`);
  if (opened.kind !== 'file') return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.read(0)) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Report;
}

function requireNothingRefused(what: string, { problem, rejectedRows, rejected }: Report): void {
  if (problem) throw new Error(`the ${what} could not be imported: ${problem.message}`);
  const [first] = rejected;
  if (first) throw new Error(`${rejectedRows} ${what} were refused, the first in row ${first.row}: ${first.reason}`);
}

function readStorage(settings: Readonly<Record<string, string | undefined>>) {
  const connectionString = settings['AzureWebJobsStorage'];
  const accountName = settings['AzureWebJobsStorage__accountName'];
  const blobServiceUri = settings['AzureWebJobsStorage__blobServiceUri'];
  if (connectionString || accountName || blobServiceUri) return { connectionString, accountName, blobServiceUri };
  throw new Error(
    'AzureWebJobsStorage: expected a storage connection string in the environment or local.settings.json',
  );
}

/** The app's folder, above this file wherever it was built to. */
function findRoot(from: string): string {
  if (existsSync(path.join(from, 'host.json'))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error(`expected host.json above ${__dirname}, found none`);
  return findRoot(parent);
}

function readLocalSettings(root: string): Record<string, string> {
  const file = path.join(root, 'local.settings.json');
  if (!existsSync(file)) return {};
  return (JSON.parse(readFileSync(file, 'utf8')) as { Values?: Record<string, string> }).Values ?? {};
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
