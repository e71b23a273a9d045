import type { Timer } from '@azure/functions';
import { createPostgresDeadLetters } from '../../../src/adapters/postgres-dead-letters';
import { createPostgresRetention } from '../../../src/adapters/postgres-retention';
import { orderIdSchema, returnIdSchema } from '../../../src/domain/ids';
import { cleanUp } from '../../../src/triggers/timer/clean-up';
import { createImportWorkbench } from '../../support/import-workbench';
import type { ImportWorkbench } from '../../support/import-workbench';
import { createContext } from '../../support/invoke';
import { sampleOrder, sampleReturn, tea } from '../../support/sample-orders';

const DAY = 86_400_000;
let bench: ImportWorkbench;

beforeAll(async () => {
  bench = await createImportWorkbench();
});
afterAll(() => bench.stop());
beforeEach(() => bench.clear());

/** Runs the clean-up; gives back the line it logs and what it asked to forget. */
async function run(): Promise<{ line: string; purgedBefore: Date[] }> {
  const { context, lines } = createContext();
  const purgedBefore: Date[] = [];
  const handler = cleanUp({
    imports: bench.imports,
    deadLetters: createPostgresDeadLetters(bench.db.database, bench.db.clock),
    files: bench.files,
    clock: bench.db.clock,
    retention: createPostgresRetention(bench.db.database, bench.db.ledger, bench.db.outbox),
    retentionDays: 90,
    purgeHistories: async (_context, before) => {
      purgedBefore.push(before);
      return 7;
    },
  });
  await handler({} as Timer, context);
  return { line: String(lines[0]?.args[0]), purgedBefore };
}

async function countRows(table: string): Promise<number> {
  const { rows } = await bench.db.database.query<{ count: number }>(`select count(*)::integer as count from ${table}`);
  return rows[0]!.count;
}

describe('the nightly clean-up', () => {
  it('deletes ledger entries, imports and files that are older than the retention, and no order', async () => {
    await bench.shop.catalogue.put('catalogue', [tea]);
    // Files carry the time of their store: the clock of this test runs ahead of it.
    bench.db.clock.advance(Date.now() - bench.db.clock.now().getTime());
    const content = 'order,customer,sku,quantity,unit price,discount\n1,ANN,tea,1,1.00,0\n2,ANN,spoon,1,1.00,0\n';
    await bench.importFile('orders', await bench.upload('orders/a.csv', content));
    await bench.shop.orders.settle(orderIdSchema.parse('1'), 'completed', undefined);

    bench.db.clock.advance(89 * DAY);
    expect((await run()).line).toContain('7 histories, 1 ledger entries, 0 notices, 0 imports, 0 files');
    bench.db.clock.advance(2 * DAY);
    const { line, purgedBefore } = await run();
    expect(line).toContain('7 histories, 0 ledger entries, 0 notices, 1 imports, 2 files');
    expect(purgedBefore).toEqual([new Date(bench.db.clock.now().getTime() - 90 * DAY)]);
    expect(await countRows('import_rejections')).toBe(0);
    expect(await countRows('orders')).toBe(1);
  });

  it('keeps ledger entries that a saga under way may need, however old they are', async () => {
    const { orders, catalogue, stock } = bench.shop;
    await catalogue.put('catalogue', [tea]);
    await orders.accept(sampleOrder('open'));
    bench.db.clock.advance(1);
    await stock.reserve('open/reserveStock#tea', { orderId: orderIdSchema.parse('open'), sku: tea.sku, quantity: 3 });
    bench.db.clock.advance(200 * DAY);
    await run();
    await stock.release('open/reserveStock#tea');
    expect((await catalogue.find([tea.sku])).get(tea.sku)?.stock).toBe(tea.stock);

    await orders.settle(orderIdSchema.parse('open'), 'compensated', undefined);
    const { returns, returnedItems } = bench.shop;
    const returnId = returnIdSchema.parse('open.r1');
    await returns.accept(sampleReturn(returnId));
    await returnedItems.claim('open.r1/claimItems#1', returnId);
    bench.db.clock.advance(200 * DAY);
    await run();
    await returnedItems.release('open.r1/claimItems#1');
    expect((await returnedItems.findLeft(orderIdSchema.parse('open'))).get(tea.sku)).toBe(1);

    await returns.settle(returnId, 'compensated', undefined);
    bench.db.clock.advance(91 * DAY);
    await run();
    expect(await countRows('saga_ledger')).toBe(0);
  });
});
