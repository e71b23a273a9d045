import { createMemoryStore } from '../../src/store/memory';
import { createPostgresStore } from '../../src/store/postgres';
import {
  StoreFenced,
  StoreRejected,
  type HubSession,
  type InstanceCommit,
  type InstanceRow,
  type StoredInstance,
  type TaskHubStore,
} from '../../src/store/store';
import { startTestPostgres, type TestPostgres } from '../support/postgres-server';

interface StoreKind {
  readonly name: string;
  prepare(): Promise<void>;
  /** An empty store. */
  make(): TaskHubStore;
  tidy(): Promise<void>;
}

let server: TestPostgres | undefined;
let count = 0;

const kinds: StoreKind[] = [
  { name: 'memory', prepare: () => Promise.resolve(), make: createMemoryStore, tidy: () => Promise.resolve() },
  {
    name: 'PostgreSQL',
    prepare: async () => {
      server = await startTestPostgres();
    },
    make: () => createPostgresStore({ url: server?.url ?? '', schema: `hub_${count++}` }),
    tidy: async () => server?.stop(),
  },
];

function row(no: number, change: Partial<InstanceRow> = {}): InstanceRow {
  return {
    no,
    id: `i${no}`,
    name: 'orchestrator',
    version: undefined,
    executionId: `e${no}`,
    parent: undefined,
    status: 'Running',
    createdAt: 1000 + no,
    updatedAt: 1000 + no,
    input: '{"a":1}',
    output: undefined,
    customStatus: undefined,
    ...change,
  };
}

function commitOf(no: number, change: Partial<InstanceCommit> = {}): InstanceCommit {
  return {
    no,
    created: undefined,
    changed: undefined,
    forgetTurns: false,
    turn: undefined,
    held: [],
    taken: [],
    ...change,
  };
}

function created(instance: InstanceRow, events = '{"turn":0}'): InstanceCommit {
  return commitOf(instance.no, { created: instance, turn: { turn: 0, events } });
}

async function collect(session: HubSession): Promise<StoredInstance[]> {
  const all: StoredInstance[] = [];
  for await (const page of session.unfinished()) all.push(...page);
  return all;
}

describe.each(kinds)('the $name store', (kind) => {
  let store: TaskHubStore;
  let session: HubSession;

  beforeAll(() => kind.prepare());
  afterAll(() => kind.tidy());
  beforeEach(async () => {
    store = kind.make();
    await store.open();
    session = await store.takeOver('test');
  });
  afterEach(() => store.close());

  it('can be opened again and again', async () => {
    await store.open();
    await store.open();
    expect(await store.readInstance('nobody')).toBeUndefined();
  });

  it('says of a task hub that was never made that it is not there', async () => {
    expect(await store.lookAtHub('Nowhere')).toBe('absent');
  });

  it('keeps an instance as it was given', async () => {
    const full = row(1, {
      id: 'ä-😀-1',
      version: '2',
      parent: { instanceId: 'p', executionId: 'pe', taskId: 3 },
      input: '{"text":"\\u0000 \\u001e \\"quoted\\" \\\\ ü"}',
      output: '"out"',
      customStatus: '{"s":[1,2]}',
    });
    await session.commit(1, [created(full), created(row(2))]);
    expect(await store.readInstance('ä-😀-1')).toEqual(full);
    expect(await store.readInstance('i2')).toEqual(row(2));
    expect(await store.readInstance('i3')).toBeUndefined();
  });

  it('keeps turns as they were given, in order', async () => {
    const events = '{"v":1,"events":[{"input":"\\\\ \\" , { } ü"}]}';
    await session.commit(1, [created(row(1), events)]);
    await session.commit(2, [commitOf(1, { turn: { turn: 1, events: '[1]' } })]);
    await session.commit(3, [commitOf(1, { turn: { turn: 10, events: '[10]' } })]);
    expect(await store.readTurns(1)).toEqual([
      { turn: 0, events },
      { turn: 1, events: '[1]' },
      { turn: 10, events: '[10]' },
    ]);
  });

  it('changes what is named and leaves the rest', async () => {
    await session.commit(1, [created(row(1, { customStatus: '"old"', output: '"reason"' }))]);
    await session.commit(2, [commitOf(1, { changed: { status: 'Suspended', updatedAt: 5 } })]);
    expect(await store.readInstance('i1')).toEqual(
      row(1, { status: 'Suspended', updatedAt: 5, customStatus: '"old"', output: '"reason"' }),
    );
    await session.commit(3, [
      commitOf(1, { changed: { status: 'Running', updatedAt: 6, output: null, customStatus: '"new"' } }),
    ]);
    expect(await store.readInstance('i1')).toEqual(row(1, { updatedAt: 6, customStatus: '"new"' }));
    await session.commit(4, [
      commitOf(1, { changed: { status: 'Running', updatedAt: 7, input: '"again"', executionId: 'second' } }),
    ]);
    expect(await store.readInstance('i1')).toEqual(
      row(1, { updatedAt: 7, customStatus: '"new"', input: '"again"', executionId: 'second' }),
    );
  });

  it('forgets earlier turns when an instance continues as new', async () => {
    await session.commit(1, [created(row(1)), created(row(2))]);
    await session.commit(2, [commitOf(1, { forgetTurns: true })]);
    await session.commit(3, [commitOf(1, { turn: { turn: 2, events: '["second"]' } })]);
    expect(await store.readTurns(1)).toEqual([{ turn: 2, events: '["second"]' }]);
    expect(await store.readTurns(2)).toHaveLength(1);
  });

  it('holds messages until they are taken', async () => {
    await session.commit(1, [
      commitOf(1, {
        created: row(1),
        held: [
          { seq: 0, body: '"a"' },
          { seq: 1, body: '"b"' },
        ],
      }),
    ]);
    await session.commit(2, [commitOf(1, { held: [{ seq: 2, body: '"c"' }], taken: [0] })]);
    expect(await store.readHeld(1)).toEqual([
      { seq: 1, body: '"b"' },
      { seq: 2, body: '"c"' },
    ]);
  });

  it('gives back what is unfinished, with its turns and messages', async () => {
    await session.commit(1, [
      created(row(1)),
      created(row(2, { status: 'Completed' })),
      commitOf(3, { created: row(3, { status: 'Suspended' }), held: [{ seq: 4, body: '"m"' }] }),
      created(row(4, { status: 'Failed' })),
      created(row(5, { status: 'Terminated' })),
    ]);
    const next = await store.takeOver('test');
    expect(await collect(next)).toEqual([
      { row: row(1), turns: [{ turn: 0, events: '{"turn":0}' }], held: [] },
      { row: row(3, { status: 'Suspended' }), turns: [], held: [{ seq: 4, body: '"m"' }] },
    ]);
    expect(next.nextNo).toBe(6);
  });

  it('gives back entities only while they have messages, apart from orchestrations', async () => {
    const idle = row(1, { id: '@counter@idle' });
    const busy = row(2, { id: '@counter@busy' });
    await session.commit(1, [
      commitOf(1, { created: idle, held: [{ seq: 0, body: '"taken"' }] }),
      commitOf(2, { created: busy }),
      created(row(3)),
      commitOf(2, { held: [{ seq: 0, body: '"first"' }] }),
      commitOf(2, { held: [{ seq: 1, body: '"second"' }] }),
    ]);
    await session.commit(2, [commitOf(1, { taken: [0] })]);
    const next = await store.takeOver('test');
    expect((await collect(next)).map((stored) => stored.row.no)).toEqual([3]);
    const entities: StoredInstance[] = [];
    for await (const page of next.entitiesWithWork()) entities.push(...page);
    expect(entities).toEqual([
      {
        row: busy,
        turns: [],
        held: [
          { seq: 0, body: '"first"' },
          { seq: 1, body: '"second"' },
        ],
      },
    ]);
  });

  it('purges entities that are named, never those that match a filter', async () => {
    await session.commit(1, [
      commitOf(1, { created: row(1, { id: '@counter@a' }), held: [{ seq: 0, body: '"m"' }] }),
      commitOf(2, { created: row(2, { id: '@counter@b' }) }),
    ]);
    expect(await session.purgeWhere({})).toBe(0);
    expect(await session.purge([1])).toBe(1);
    expect(await store.readHeld(1)).toEqual([]);
    expect((await store.listInstances({ limit: 10 })).map(({ id }) => id)).toEqual(['@counter@b']);
  });

  it('gives back many unfinished instances', async () => {
    const all = Array.from({ length: 1203 }, (_, i) => created(row(i + 1)));
    await session.commit(1, all);
    const found = await collect(session);
    expect(found.map((stored) => stored.row.no)).toEqual(all.map(({ no }) => no));
    expect(found.every(({ turns }) => turns.length === 1)).toBe(true);
  });

  it('replaces a finished instance of the same id, with all that belonged to it', async () => {
    await session.commit(1, [
      commitOf(1, {
        created: row(1, { id: 'same', status: 'Completed', output: '1', customStatus: '2' }),
        turn: { turn: 0, events: '["old"]' },
        held: [{ seq: 0, body: '"old"' }],
      }),
    ]);
    await session.commit(2, [created(row(2, { id: 'same' }), '["new"]')]);
    expect(await store.readInstance('same')).toEqual(row(2, { id: 'same' }));
    expect(await store.readTurns(1)).toEqual([]);
    expect(await store.readHeld(1)).toEqual([]);
    expect(await store.readTurns(2)).toEqual([{ turn: 0, events: '["new"]' }]);
  });

  it('refuses to replace an unfinished instance, and writes nothing of that commit', async () => {
    await session.commit(1, [created(row(1, { id: 'same' }))]);
    const commit = session.commit(2, [created(row(2, { id: 'same' })), created(row(3))]);
    await expect(commit).rejects.toThrow(StoreRejected);
    expect(await store.readInstance('same')).toEqual(row(1, { id: 'same' }));
    expect(await store.readInstance('i3')).toBeUndefined();
  });

  it('refuses a turn that was already written', async () => {
    await session.commit(1, [created(row(1))]);
    const commit = session.commit(2, [commitOf(1, { turn: { turn: 0, events: '["second writer"]' } })]);
    await expect(commit).rejects.toThrow(StoreRejected);
    expect(await store.readTurns(1)).toEqual([{ turn: 0, events: '{"turn":0}' }]);
    await session.commit(2, [commitOf(1, { turn: { turn: 1, events: '["first"]' } })]);
    expect(await store.readTurns(1)).toHaveLength(2);
  });

  it('applies a batch number once', async () => {
    await session.commit(1, [created(row(1))]);
    await session.commit(1, [created(row(1))]);
    await session.commit(2, [commitOf(1, { turn: { turn: 1, events: '[1]' } })]);
    await session.commit(2, [commitOf(1, { turn: { turn: 1, events: '[1]' } })]);
    expect(await store.readTurns(1)).toHaveLength(2);
  });

  it('refuses a batch number out of turn', async () => {
    await expect(session.commit(2, [created(row(1))])).rejects.toThrow('Expected batch 1, got 2.');
  });

  it('applies the rest of a commit whose message is for an instance that is gone', async () => {
    await session.commit(1, [created(row(1, { status: 'Completed' })), created(row(2))]);
    await session.purge([1]);
    await session.commit(2, [
      commitOf(2, { changed: { status: 'Running', updatedAt: 9 } }),
      commitOf(1, { held: [{ seq: 0, body: '{}' }] }),
    ]);
    expect(await store.readInstance('i2')).toMatchObject({ updatedAt: 9 });
    expect(await store.readInstance('i1')).toBeUndefined();
  });

  it('fences a session off when another takes over', async () => {
    await session.commit(1, [created(row(1))]);
    const next = await store.takeOver('the next host');
    expect(next.epoch).toBeGreaterThan(session.epoch);
    await expect(session.commit(2, [created(row(2))])).rejects.toThrow(StoreFenced);
    await expect(session.purge([1])).rejects.toThrow(StoreFenced);
    await expect(session.purgeWhere({})).rejects.toThrow(StoreFenced);
    await next.commit(1, [created(row(2))]);
    expect((await store.readInstance('i2'))?.no).toBe(2);
  });

  it('lists by id, filters, and goes on after an id', async () => {
    const rows = [
      row(1, { id: 'b', status: 'Completed' }),
      row(2, { id: 'a' }),
      row(3, { id: 'Z', status: 'Failed' }),
      row(4, { id: 'ab' }),
      row(5, { id: 'a_%' }),
    ];
    await session.commit(
      1,
      rows.map((each) => created(each)),
    );
    const ids = async (query: Parameters<TaskHubStore['listInstances']>[0]): Promise<string[]> =>
      (await store.listInstances(query)).map(({ id }) => id);
    expect(await ids({ limit: 10 })).toEqual(['Z', 'a', 'a_%', 'ab', 'b']);
    expect(await ids({ limit: 2 })).toEqual(['Z', 'a']);
    expect(await ids({ limit: 2, afterId: 'a' })).toEqual(['a_%', 'ab']);
    expect(await ids({ limit: 10, statuses: ['Completed', 'Failed'] })).toEqual(['Z', 'b']);
    expect(await ids({ limit: 10, statuses: [] })).toEqual([]);
    expect(await ids({ limit: 10, idPrefix: 'a_' })).toEqual(['a_%']);
    expect(await ids({ limit: 10, createdFrom: 1002, createdTo: 1004 })).toEqual(['Z', 'a', 'ab']);
  });

  it('purges only what has finished', async () => {
    await session.commit(1, [
      created(row(1, { status: 'Completed' })),
      created(row(2)),
      created(row(3, { status: 'Failed' })),
      created(row(4, { status: 'Terminated', createdAt: 9000 })),
    ]);
    expect(await session.purge([1, 2, 77])).toBe(1);
    expect(await store.readTurns(1)).toEqual([]);
    expect(await store.readInstance('i1')).toBeUndefined();
    expect((await store.readInstance('i2'))?.status).toBe('Running');
    expect(await session.purgeWhere({ statuses: ['Completed'] })).toBe(0);
    expect(await session.purgeWhere({ createdTo: 8000 })).toBe(1);
    expect(await session.purgeWhere({})).toBe(1);
    expect((await store.listInstances({ limit: 10 })).map(({ id }) => id)).toEqual(['i2']);
  });

  it('never gives a number twice, even after a purge', async () => {
    await session.commit(1, [created(row(7, { status: 'Completed' }))]);
    await session.purge([7]);
    expect((await store.takeOver('next')).nextNo).toBe(8);
  });
});
