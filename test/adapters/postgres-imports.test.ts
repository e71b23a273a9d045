import { createPostgresImports } from '../../src/adapters/postgres-imports';
import type { ImportEnd } from '../../src/adapters/postgres-imports';
import type { Imports } from '../../src/ports';
import { startOrdersDatabase } from '../support/orders-database';
import type { OrdersDatabase } from '../support/orders-database';

let db: OrdersDatabase;
let imports: Imports;
const ends: ImportEnd[] = [];

beforeAll(async () => {
  db = await startOrdersDatabase();
  imports = createPostgresImports(db.database, db.clock, { ended: (end) => ends.push(end) });
});
afterAll(() => db.stop());
beforeEach(async () => {
  ends.length = 0;
  await db.database.query('truncate imports cascade');
});

const file = { importId: 'i-1', kind: 'orders', path: 'orders/a.csv', etag: '0x1' } as const;

describe('what is known of imports', () => {
  it('keeps when an import began and ended, however often it is said', async () => {
    const beganAt = db.clock.now();
    await imports.begin(file);
    db.clock.advance(1_000);
    await imports.begin(file);
    const endedAt = db.clock.now();
    await imports.finish(file.importId, { code: 'empty', message: 'no rows' });
    db.clock.advance(1_000);
    await imports.finish(file.importId, undefined);
    expect(await imports.summarise(file.importId)).toMatchObject({
      startedAt: beganAt,
      finishedAt: endedAt,
      problem: { code: 'empty', message: 'no rows' },
    });
    expect(ends).toEqual([{ saga: 'importOrders', outcome: 'completed', reason: 'empty', acceptedAt: beganAt }]);
  });

  it('are claimed by one task hub, once', async () => {
    expect(await Promise.all(['blue', 'green'].map((hub) => imports.claim(file, hub)))).toEqual(['blue', 'blue']);
    await imports.begin(file);
    expect(await imports.claim(file, 'green')).toBe('blue');
    const old = { ...file, importId: 'i-2' };
    await imports.begin(old);
    expect(await imports.claim(old, 'green')).toBeUndefined();
    expect(await imports.adopt(old.importId, 'green')).toBe('green');
    expect(await imports.adopt(old.importId, 'blue')).toBe('green');
    expect(await imports.claim(old, 'blue')).toBe('green');
  });

  it('lists those that have not ended, of one task hub and of none, page by page', async () => {
    for (const [importId, hub] of [
      ['i-3', 'blue'],
      ['i-2', 'green'],
      ['i-4', 'blue'],
    ] as const)
      await imports.claim({ ...file, importId }, hub);
    await imports.begin({ ...file, importId: 'i-1', kind: 'products' });
    await imports.finish('i-4', undefined);
    const page = { startedBefore: db.clock.now(), limit: 1 };
    expect(await imports.listUnfinished('blue', page)).toEqual([]);
    db.clock.advance(1);
    const startedBefore = db.clock.now();
    const startedAt = new Date(startedBefore.getTime() - 1);
    const first = { ...file, importId: 'i-1', kind: 'products', taskHub: undefined, startedAt };
    const second = { ...file, importId: 'i-3', taskHub: 'blue', startedAt };
    expect(await imports.listUnfinished('blue', { startedBefore, limit: 1 })).toEqual([first]);
    expect(await imports.listUnfinished('blue', { startedBefore, after: 'i-1', limit: 9 })).toEqual([second]);
    expect(await imports.listUnfinished(undefined, { startedBefore, limit: 9 })).toEqual([first]);
  });

  it('are given up once, with what it came to, and not when they have finished', async () => {
    const reason = { code: 'defect', message: 'NUL\0 is kept by no database' };
    await imports.begin(file);
    await imports.giveUp(file.importId, 'compensationFailed', reason);
    await imports.giveUp(file.importId, 'compensated', { code: 'cancelled', message: '' });
    await imports.finish(file.importId, undefined);
    const { finishedAt, problem } = await imports.summarise(file.importId);
    expect({ finishedAt, problem }).toEqual({
      finishedAt: db.clock.now(),
      problem: { code: 'defect', message: 'NUL\ufffd is kept by no database' },
    });
    const acceptedAt = db.clock.now();
    expect(ends).toEqual([{ saga: 'importOrders', outcome: 'compensationFailed', reason: 'defect', acceptedAt }]);
  });

  it('tells which orders reappear, within a batch and after it, but not in another file', async () => {
    await imports.begin(file);
    await imports.begin({ ...file, importId: 'i-2' });
    const first = [
      { row: 2, order: 'a' },
      { row: 5, order: 'b' },
      { row: 7, order: 'a' },
    ];
    expect(await imports.claimOrders('i-1', first)).toEqual(new Map([[7, 2]]));
    expect(await imports.claimOrders('i-1', first)).toEqual(new Map([[7, 2]]));
    expect(await imports.claimOrders('i-1', [{ row: 9, order: 'b' }])).toEqual(new Map([[9, 5]]));
    expect(await imports.claimOrders('i-2', [{ row: 9, order: 'b' }])).toEqual(new Map());
  });

  it('lists rejections page by page in the order of their rows', async () => {
    await imports.begin(file);
    const rejections = [10, 2, 33].map((row) => ({ row, order: row === 2 ? undefined : 'o', reason: `reason ${row}` }));
    await imports.recordBatch('i-1', { acceptedRows: [], rejections });
    await imports.recordBatch('i-1', { acceptedRows: [], rejections });
    const page = await imports.listRejections('i-1', { afterRow: 0, limit: 2 });
    expect(page).toEqual([
      { row: 2, order: undefined, reason: 'reason 2' },
      { row: 10, order: 'o', reason: 'reason 10' },
    ]);
    expect(await imports.listRejections('i-1', { afterRow: 10, limit: 2 })).toHaveLength(1);
    expect((await imports.summarise('i-1')).rejectedRows).toBe(3);
  });

  it('forgets finished imports by age, some at a time, and no unfinished one', async () => {
    for (const importId of ['i-1', 'i-2', 'i-3']) await imports.begin({ ...file, importId });
    await imports.claimOrders('i-1', [{ row: 2, order: 'a' }]);
    await imports.finish('i-1', undefined);
    await imports.finish('i-2', undefined);
    expect(await imports.expire(db.clock.now(), 10)).toBe(0);
    db.clock.advance(1);
    expect(await imports.expire(db.clock.now(), 1)).toBe(1);
    expect(await imports.expire(db.clock.now(), 10)).toBe(1);
    await expect(imports.summarise('i-1')).rejects.toThrow('expected the import i-1 to have begun');
    expect((await imports.summarise('i-3')).finishedAt).toBeUndefined();
  });
});
