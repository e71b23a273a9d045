import type { Timer } from '@azure/functions';
import { activity, saga, sagaClients } from 'durable-saga';
import type { DurableClientPort } from 'durable-saga';
import { createSagaHost } from 'durable-saga/testing';
import { importOrders } from '../../../orchestrations/import-orders';
import { importProducts } from '../../../orchestrations/import-products';
import { createPostgresImports } from '../../../src/adapters/postgres-imports';
import type { ImportEnd } from '../../../src/adapters/postgres-imports';
import { createPostgresRetention } from '../../../src/adapters/postgres-retention';
import { createPostgresStuckSagas } from '../../../src/adapters/postgres-stuck-sagas';
import {
  batchRequestSchema,
  batchResultSchema,
  importResultSchema,
  importStartSchema,
} from '../../../src/domain/import';
import type { ImportFile } from '../../../src/domain/import';
import type { Clock, Imports } from '../../../src/ports';
import type { TaskHubs } from '../../../src/triggers/task-hubs';
import { sweepImports } from '../../../src/triggers/timer/sweep-imports';
import { createFakeTaskHub } from '../../support/fake-task-hub';
import type { FakeTaskHub } from '../../support/fake-task-hub';
import { createContext } from '../../support/invoke';
import { startOrdersDatabase } from '../../support/orders-database';
import type { OrdersDatabase } from '../../support/orders-database';

const DAY = 86_400_000;
const GRACE = 60_000;
const RETENTION_DAYS = 30;
const timer = {} as Timer;
const file: ImportFile = { importId: 'import:june:1', kind: 'orders', path: 'orders/june.csv', etag: '0x1' };
const { importId: id } = file;

let db: OrdersDatabase;
let imports: Imports;
let ends: ImportEnd[];
let blue: FakeTaskHub;
let green: FakeTaskHub;

beforeAll(async () => {
  db = await startOrdersDatabase();
});
afterAll(() => db.stop());
beforeEach(async () => {
  await db.database.query('truncate imports, stuck_notices cascade');
  ends = [];
  imports = createPostgresImports(db.database, db.clock, { ended: (end) => ends.push(end) });
  [blue, green] = [createFakeTaskHub('blue'), createFakeTaskHub('green')];
});

const hubsOf = (own: DurableClientPort, other?: DurableClientPort): TaskHubs => ({
  own,
  other: other && { name: other.taskHubName ?? '', client: other },
});

/** Runs the sweep of one app; gives back what it said. */
async function sweep(hubs = hubsOf(blue.client, green.client), clock: Clock = db.clock): Promise<string[]> {
  const { context, lines } = createContext();
  const stuckSagas = createPostgresStuckSagas(db.database, clock);
  const deps = { imports, stuckSagas, hubsOf: () => hubs, clock, startGrace: GRACE, retentionDays: RETENTION_DAYS };
  await sweepImports(deps)(timer, context);
  return lines.map(({ level, args }) => `${level}: ${String(args[0])}`);
}

async function rowOf(importId: string): Promise<{ isOpen: boolean; code: string | null }> {
  const { rows } = await db.database.query<{ isOpen: boolean; code: string | null }>(
    `select finished_at is null as "isOpen", problem ->> 'code' as code from imports where id = $1`,
    [importId],
  );
  return rows[0]!;
}

describe('an import that its app has claimed and not started', () => {
  it('is started after the grace time, under its own id, with its file, by its own app', async () => {
    const products: ImportFile = { ...file, importId: 'import:all:1', kind: 'products', path: 'products/all.csv' };
    await imports.claim(file, 'blue');
    await imports.claim(products, 'blue');
    expect(await sweep()).toEqual([]);
    db.clock.advance(GRACE + 1);
    expect(await sweep(hubsOf(green.client, blue.client))).toEqual([]);
    expect(green.instances.size).toBe(0);
    expect((await sweep()).sort()).toEqual([
      'information: started import:all:1, whose start had been lost',
      'information: started import:june:1, whose start had been lost',
    ]);
    expect(blue.instances.get(id)).toMatchObject({
      name: 'importOrders',
      output: { input: { importId: id, path: 'orders/june.csv', etag: '0x1' } },
    });
    expect(blue.instances.get('import:all:1')).toMatchObject({ name: 'importProducts' });
    expect(await sweep()).toEqual([]);
  });

  it('is not started again while it runs, after it has finished, or when its history is purged', async () => {
    await imports.claim(file, 'blue');
    db.clock.advance(GRACE + 1);
    await sweep();
    db.clock.advance(RETENTION_DAYS * DAY);
    expect(await sweep()).toEqual([]);
    await imports.finish(id, undefined);
    blue.instances.delete(id);
    expect(await sweep()).toEqual([]);
    expect(blue.instances.size).toBe(0);
  });

  it('is ended with a reason when it is so old that its history may have been purged', async () => {
    await imports.claim(file, 'blue');
    db.clock.advance(RETENTION_DAYS * DAY + 1);
    expect(await sweep()).toEqual([
      'error: import:june:1 (orders/june.csv) has ended: it imports nothing more, lost: ' +
        'the task hub knows nothing of it, and it is older than histories are kept',
    ]);
    expect(blue.instances.size).toBe(0);
    expect(await rowOf(id)).toEqual({ isOpen: false, code: 'lost' });
    expect(await sweep()).toEqual([]);
  });

  it('is started by one of two apps when its row names no task hub', async () => {
    for (let round = 0; round < 10; round += 1) {
      const importId = `import:old:${round}`;
      await imports.begin({ ...file, importId });
      db.clock.advance(GRACE + 1);
      await Promise.all([sweep(), sweep(hubsOf(green.client, blue.client))]);
      expect([blue, green].filter(({ instances }) => instances.has(importId))).toHaveLength(1);
    }
  });

  it('is left to the other app when its row names no task hub and its saga runs there', async () => {
    await imports.begin(file);
    green.put(id, { name: 'importOrders' });
    db.clock.advance(GRACE + 1);
    expect(await sweep()).toEqual([]);
    expect(blue.instances.size).toBe(0);
    expect(await imports.adopt(id, 'blue')).toBe('green');
  });

  it('does not keep others from being started when it can not be, and fails the run, so that it is seen', async () => {
    await imports.claim(file, 'blue');
    await imports.claim({ ...file, importId: 'import:july:1' }, 'blue');
    db.clock.advance(GRACE + 1);
    const { client } = blue;
    const startNew: typeof client.startNew = (name, options) =>
      options.instanceId === id ? Promise.reject(new Error('too large')) : client.startNew(name, options);
    await expect(sweep(hubsOf({ ...client, startNew }))).rejects.toThrow(
      '1 imports could not be looked after; the next run does it',
    );
    expect([...blue.instances.keys()]).toEqual(['import:july:1']);
  });
});

describe('an import whose saga has ended without ending its row', () => {
  /** A task hub in which sagas run. */
  function createHub(body: () => never) {
    const batch = activity({
      name: 'importOrdersBatch',
      input: batchRequestSchema,
      output: batchResultSchema,
      run: () => body,
    });
    const broken = saga(
      { name: 'importProducts', version: '1', input: importStartSchema, output: importResultSchema },
      function* () {
        yield* [];
        return body();
      },
    );
    const { durable } = createSagaHost({ ports: {}, sagas: [importOrders, broken], activities: [batch] });
    return Object.assign(durable, { taskHubName: 'blue' });
  }
  const bug = (): never => {
    throw new TypeError('progress is undefined');
  };

  it('by a defect is ended, counted once with its outcome, and told to the operators', async () => {
    const hub = createHub(bug);
    const products: ImportFile = { ...file, kind: 'products' };
    await imports.claim(products, 'blue');
    const acceptedAt = db.clock.now();
    await sagaClients({ importProducts })(hub).importProducts.start(products, { id });
    await hub.run();
    db.clock.advance(GRACE + 1);
    const runs = await Promise.all([sweep(hubsOf(hub, green.client)), sweep(hubsOf(hub))]);
    expect(runs.flat()).toContain(
      'error: import:june:1 (orders/june.csv) has ended: it imports nothing more, defect: progress is undefined',
    );
    expect(await rowOf(id)).toEqual({ isOpen: false, code: 'defect' });
    expect(ends).toEqual([{ saga: 'importProducts', outcome: 'compensationFailed', reason: 'defect', acceptedAt }]);
    const notices = [...(await createPostgresStuckSagas(db.database, db.clock).listUnmailed()).values()];
    const reason = 'it imports nothing more, defect: progress is undefined';
    expect(notices).toEqual([[{ instanceId: id, reason }]]);

    hub.purge(id);
    db.clock.advance(DAY);
    expect(await sweep(hubsOf(hub))).toEqual([]);
    expect(hub.engine.instances.size).toBe(0);
    expect(await createPostgresRetention(db.database, db.ledger, db.outbox).findOldestUnfinished()).toBeUndefined();
  });

  it.each([
    ['Terminated', 'terminated', 'by ann'],
    ['Failed', 'failed', 'out of memory'],
  ] as const)('since the platform says %s is ended with that', async (how, code, message) => {
    const hub = createHub(bug);
    await imports.claim(file, 'blue');
    await sagaClients({ importOrders })(hub).importOrders.start(file, { id });
    hub.stop(id, how, message);
    db.clock.advance(GRACE + 1);
    const said = `it imports nothing more, ${code}: ${message}`;
    expect(await sweep(hubsOf(hub))).toEqual([`error: import:june:1 (orders/june.csv) has ended: ${said}`]);
    expect(ends).toMatchObject([{ saga: 'importOrders', outcome: 'compensationFailed', reason: code }]);
  });

  describe('with a reason that operators are to hear', () => {
    const NUL = '\u0000';
    const HALF = '\ud800';
    const listUnmailed = async () => [...(await createPostgresStuckSagas(db.database, db.clock).listUnmailed())];
    /** Claims the import and has it fail; gives back its hub. */
    async function failImport(message: string) {
      const hub = createHub(bug);
      await imports.claim(file, 'blue');
      await sagaClients({ importOrders })(hub).importOrders.start(file, { id });
      hub.stop(id, 'Failed', message);
      db.clock.advance(GRACE + 1);
      return hubsOf(hub);
    }

    it('is ended, too, when its reason has what no database keeps', async () => {
      const hubs = await failImport(`${NUL} and ${HALF}`);
      await sweep(hubs);
      expect(await rowOf(id)).toEqual({ isOpen: false, code: 'failed' });
      const reason = 'it imports nothing more, failed: \ufffd and \ufffd';
      expect(await listUnmailed()).toEqual([[expect.any(String), [{ instanceId: id, reason }]]]);
    });

    it('is told of, though they heard before that it does not get on', async () => {
      const stuckSagas = createPostgresStuckSagas(db.database, db.clock);
      const hubs = await failImport('out of memory');
      const reason = `it does not get on: ${NUL}`;
      await stuckSagas.note('before', [{ instanceId: id, reason }]);
      expect(await listUnmailed()).toEqual([['before', [{ instanceId: id, reason: 'it does not get on: \ufffd' }]]]);
      await stuckSagas.sendMail('before', async () => undefined);
      await sweep(hubs);
      const end = 'it imports nothing more, failed: out of memory';
      expect(await listUnmailed()).toEqual([
        [expect.stringMatching(/^broken-imports/), [{ instanceId: id, reason: end }]],
      ]);
    });

    it('is told of once, though the sweep dies after it has noted that', async () => {
      const stuckSagas = createPostgresStuckSagas(db.database, db.clock);
      const hubs = await failImport('out of memory');
      const { giveUp } = imports;
      imports = { ...imports, giveUp: () => Promise.reject(new Error('killed')) };
      await expect(sweep(hubs)).rejects.toThrow('1 imports could not be looked after');
      const key = (await listUnmailed())[0]?.[0] ?? '';
      let mails = 0;
      await stuckSagas.sendMail(key, async () => void (mails += 1));
      imports = { ...imports, giveUp };
      await sweep(hubs);
      expect(await rowOf(id)).toEqual({ isOpen: false, code: 'failed' });
      expect({ mails, unmailed: await listUnmailed() }).toEqual({ mails: 1, unmailed: [] });
    });
  });

  it('since somebody cancelled it is ended as a cancelled order is', async () => {
    const hub = createHub(bug);
    await imports.claim(file, 'blue');
    const { importOrders: sagas } = sagaClients({ importOrders })(hub);
    await sagas.start(file, { id });
    const cancelled = sagas.get(id).cancel({ reason: 'the wrong file' });
    await hub.run();
    await cancelled;
    db.clock.advance(GRACE + 1);
    await sweep(hubsOf(hub));
    expect(ends).toMatchObject([{ outcome: 'compensated', reason: 'cancelled' }]);
    expect(await rowOf(id)).toEqual({ isOpen: false, code: 'cancelled' });
  });

  it('though it has completed, since the row comes from a backup, is ended as one that has', async () => {
    await imports.claim(file, 'blue');
    const result = { report: 'orders/june.report.json', rows: 1, rejectedRows: 0 };
    const output = { outcome: 'completed', result };
    blue.put(id, { name: 'importOrders', runtimeStatus: 'Completed', output });
    db.clock.advance(GRACE + 1);
    expect(await sweep()).toEqual([]);
    expect(ends).toMatchObject([{ outcome: 'completed', reason: undefined }]);
  });
});
