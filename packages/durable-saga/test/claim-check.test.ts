import { expectTypeOf } from 'expect-type';
import { z } from 'zod';
import { activity, claiming, loadClaimed, many, saga, sagaClients, SagaInputError } from '../src';
import type { Claimed, ClaimCheckOptions } from '../src';
import { createMemoryPayloads } from '../src/memory';
import { createSagaHost } from '../src/testing';
import { MODES } from '../src/testing/turns';

/** Reports: drawn from a document, printed, and torn up again; documents and reports may be large. */

const documentSchema = z.string();
const seen: string[] = [];

const draw = activity({
  name: 'draw',
  input: claiming(z.object({ title: z.string() }), { document: documentSchema }),
  output: claiming(z.object({ pages: z.int() }), { report: z.object({ text: z.string() }) }),
  run:
    () =>
    async ({ title, document }) => {
      seen.push(`draw ${document.length}`);
      return { pages: document.length, report: { text: `${title}: ${document}` } };
    },
  undo: () => async (done) => {
    seen.push(`tear ${done.input.document.length} ${done.output?.report.text.length}`);
  },
});

const print = activity({
  name: 'print',
  input: claiming(z.object({}), { report: z.object({ text: z.string() }), note: z.string() }),
  retry: { attempts: 2, first: 1_000 },
  run:
    () =>
    async ({ report, note }) => {
      seen.push(`print ${report.text.length} ${note.length}`);
      if (note === 'jam') throw new Error('jam');
    },
});

const inflate = activity({
  name: 'inflate',
  input: z.object({ to: z.int() }),
  output: z.string(),
  run:
    () =>
    async ({ to }) =>
      'x'.repeat(to),
});

const report = saga(
  {
    name: 'report',
    version: '1',
    input: claiming(z.object({ title: z.string() }), { document: documentSchema }),
    output: claiming(z.object({ pages: z.int() }), { report: z.object({ text: z.string() }) }),
    events: {
      note: claiming(z.object({}), { note: z.string() }),
      more: many(claiming(z.object({}), { note: z.string() })),
    },
  },
  function* (saga, { title, document }) {
    expectTypeOf(document).toEqualTypeOf<Claimed<string>>();
    const { pages, report } = yield* saga.step(draw, { title, document });
    expectTypeOf(pages).toEqualTypeOf<number>();
    const { note } = yield* saga.waitFor('note');
    const { note: again } = yield* saga.waitFor('more');
    yield* saga.step(print, { report, note });
    yield* saga.step(print, { report, note: again });
    return { pages, report };
  },
);

const bloated = saga(
  { name: 'bloated', version: '1', input: z.object({ to: z.int() }), output: z.string() },
  function* (saga, { to }) {
    if (to < 0) yield* saga.call(draw, { title: 'x'.repeat(-to), document: 'd' });
    return yield* saga.call(inflate, { to });
  },
);

describe.each(MODES)('values above the budget (%s)', (mode) => {
  beforeEach(() => {
    seen.length = 0;
  });

  function open(options: Partial<ClaimCheckOptions> = {}) {
    const store = createMemoryPayloads();
    const claimCheck = { store, above: 1_000, limit: 20_000, ...options };
    const host = createSagaHost({
      ports: {},
      sagas: [report, bloated],
      activities: [draw, print, inflate],
      claimCheck,
      mode,
    }).durable;
    return { host, store, sagas: sagaClients({ report, bloated }, { claimCheck })(host) };
  }

  const large = 'long '.repeat(10_000);

  it('stay out of inputs, histories, events and results, and reach the activities whole', async () => {
    const { host, store, sagas } = open();
    const handle = await sagas.report.start({ title: 'T', document: large }, { id: 'r-1' });
    await host.run({ until: host.now + 1_000 });
    expect(await handle.raise('note', { note: large })).toMatchObject({ accepted: true });
    expect(await handle.raise('more', { note: large })).toMatchObject({ accepted: true });
    await host.run();
    expect(seen).toEqual([`draw ${large.length}`, ...Array(2).fill(`print ${large.length + 3} ${large.length}`)]);
    const { outcome } = (await handle.status())!;
    if (outcome?.outcome !== 'completed') throw new Error(JSON.stringify(outcome));
    expect(outcome.result.pages).toBe(large.length);
    expect(await loadClaimed(store, outcome.result.report)).toEqual({ text: `T: ${large}` });
    expect(JSON.stringify(await host.getStatus('r-1')).length).toBeLessThan(5_000);
    // The document (and the notes, which are the same text) and the report.
    expect(store.texts.size).toBe(2);
  });

  it('are given to the undo whole, too', async () => {
    const { host, sagas } = open();
    const handle = await sagas.report.start({ title: 'T', document: large }, { id: 'r-1' });
    await host.run({ until: host.now + 1_000 });
    await handle.raise('more', { note: 'jam' });
    await handle.raise('note', { note: 'jam' });
    await host.run();
    expect((await handle.status())?.state).toBe('compensated');
    expect(seen.at(-1)).toBe(`tear ${large.length} ${large.length + 3}`);
  });

  it('that are not declared so are an error that says what to do', async () => {
    const { host, sagas } = open();
    const output = await sagas.bloated.start({ to: 30_000 }, { id: 'output' });
    const input = await sagas.bloated.start({ to: -30_000 }, { id: 'input' });
    await host.run();
    expect((await output.status())?.outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'validation', code: 'tooLarge', message: expect.stringContaining('claiming(...)') },
    });
    expect((await input.status())?.outcome).toMatchObject({
      failure: { kind: 'defect', message: expect.stringContaining("input of step 'draw' is 30027 bytes of JSON") },
    });
    const start = sagas.report.start({ title: large, document: '' });
    await expect(start).rejects.toThrow(SagaInputError);
    await expect(start).rejects.toThrow('expected 20000 at most');
  });

  it('that got lost make the step fail and say so', async () => {
    const { host, store, sagas } = open();
    const handle = await sagas.report.start({ title: 'T', document: large }, { id: 'r-1' });
    store.texts.clear();
    await host.run();
    expect((await handle.status())?.outcome).toMatchObject({
      outcome: 'compensated',
      failure: { code: 'claimLost', effect: 'none', message: expect.stringContaining("'document'") },
    });
    expect(seen).toEqual([]);
  });

  it('are not taken from a store that was tampered with', async () => {
    const { host, store, sagas } = open();
    const handle = await sagas.report.start({ title: 'T', document: large }, { id: 'r-1' });
    for (const key of store.texts.keys()) store.texts.set(key, '"forged"');
    await host.run();
    expect((await handle.status())?.outcome).toMatchObject({ failure: { code: 'claimBroken' } });
  });

  it('are tried again while the store can not be reached', async () => {
    let down = 2;
    const payloads = createMemoryPayloads();
    const store = {
      put: payloads.put,
      get: async (key: string) => {
        if ((down -= 1) >= 0) throw new Error('no storage');
        return payloads.get(key);
      },
    };
    const { host, sagas } = open({ store });
    await sagas.report.start({ title: 'T', document: large }, { id: 'r-1' });
    await host.run();
    expect(seen).toEqual([`draw ${large.length}`]);
  });

  it('travel as they are below the budget, and without a store', async () => {
    const { host, store, sagas } = open();
    await sagas.report.start({ title: 'T', document: 'short' }, { id: 'r-1' });
    await host.run();
    expect(seen).toEqual(['draw 5']);
    expect(store.texts.size).toBe(0);
  });

  it('are nothing that a caller can make up: what looks like a claim is checked as the value that it is', async () => {
    const { store, sagas } = open();
    await store.put('a'.repeat(64), '"a secret"');
    const forged = { $claim: { sha256: 'a'.repeat(64), bytes: 10 } } as never;
    await expect(sagas.report.start({ title: 'T', document: forged })).rejects.toThrow('document: ');
  });
});

describe('claiming', () => {
  it('lists the violations of all fields', () => {
    const schema = claiming(z.object({ title: z.string() }), { document: z.string(), size: z.int() });
    const { issues } = schema['~standard'].validate({ document: 1 }) as unknown as {
      issues: { path: unknown[] }[];
    };
    expect(issues.map(({ path }) => path)).toEqual([['title'], ['document'], ['size']]);
  });

  it('expects a field', () => {
    expect(() => claiming(z.object({}), {})).toThrow('at least one field');
  });

  it('keeps a body from looking into what may be in the store', () => {
    const options = { name: 's', version: '1', input: claiming(z.object({}), { document: z.string() }) };
    const looking = saga(options, function* (saga, { document }) {
      // @ts-expect-error a claim has no length
      if (document.length > 0) yield* saga.sleep(1);
      // @ts-expect-error a claim of a text is none of a number
      const _other: Claimed<number> = document;
      yield* saga.call(print, { report: { text: '' }, note: document });
      // @ts-expect-error a claim of a text is no report
      yield* saga.call(print, { report: document, note: '' });
    });
    expect(looking.input).toBe(options.input);
  });
});
