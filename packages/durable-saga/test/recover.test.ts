import { z } from 'zod';
import { many, saga, sagaClients, settlementSchema, activity, StepFailure } from '../src';
import type { RecoveryAnswer } from '../src';
import { createSagaHost } from '../src/testing';
import { MODES } from '../src/testing/turns';
import type { Mode, Attempt, Treatment } from '../src/testing';
import { Tape, taped, tapedOneWay } from './support/tape';
import type { TapePorts } from './support/tape';

const input = z.object({ n: z.number() });
const book = taped('book', { timeout: '30 seconds' });
const pack = taped('pack');
const load = taped('load', { settleWithin: '1 minute' });
const label = taped('label');
const pay = tapedOneWay('pay');
const settle = activity({
  name: 'settle',
  input: settlementSchema,
  run:
    ({ tape }: TapePorts) =>
    async ({ instanceId, outcome }, step) => {
      tape.play(`settle ${instanceId} ${outcome}`, step);
    },
});
const activities = [book, pack, load, label, pay, settle];

const parcel = saga({ name: 'parcel', version: '1', input, events: { loaded: z.object({}) } }, function* (saga, { n }) {
  yield* saga.step(pack, { n });
  yield* saga.waitFor('loaded', { timeout: '10 seconds' });
  yield* saga.step(load, { n });
});

const order = saga(
  {
    name: 'order',
    version: '1',
    input,
    events: { go: z.object({ by: z.string() }), item: many(z.object({ n: z.number() })) },
    settled: settle,
    timeout: '2 days',
  },
  function* (saga, { n }) {
    const id = saga.newId();
    yield* saga.step(book, { n }, { key: id });
    yield* saga.all(
      [1, 2, 3].map((one) => saga.step(label, { n: one })),
      { concurrency: 2 },
    );
    const go = yield* saga.waitFor('go', { timeout: '1 hour' });
    const { n: item } = yield* saga.waitFor('item');
    yield* saga.child(parcel, { n: item });
    yield* saga.sleep(go === undefined ? '1 minute' : '2 minutes');
    yield* saga.step(load, { n: item }, { timeout: '1 minute' });
    yield* saga.pivot(pay, { n });
    yield* saga.step(pack, { n });
  },
);

function open(mode: Mode, treat?: (attempt: Attempt) => Treatment | undefined) {
  const tape = new Tape();
  const host = createSagaHost({
    ports: { tape },
    sagas: [order, parcel],
    activities,
    mode,
    ...(treat === undefined ? {} : { treat }),
  }).durable;
  const client = sagaClients({ order, parcel })(host);
  return { tape, host, order: client.order.get('a'), client };
}

/** An order whose events come in time, with some trouble on the way, up to a point of time. */
async function runUntil(mode: Mode, until: number, fails?: string) {
  let lost = 0;
  const opened = open(mode, ({ name, attempt, key }) => {
    if (name === 'label' && key.endsWith('#2') && attempt === 1) return { delay: 3_000, hostFails: 'after' };
    if (name === 'label' && key.endsWith('#3') && attempt === 1) return { delay: 2_000, hostFails: 'before' };
    if (name === 'book' && attempt === 1) return { delay: 40_000 };
    if (name === 'load') return { delay: (lost += 1) * 1_000 };
    return { delay: 1_500 };
  });
  const { host, client, tape } = opened;
  if (fails !== undefined) {
    tape.script(fails, () => {
      throw new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
    });
  }
  const start = host.now;
  await client.order.start({ n: 7 }, { id: 'a' });
  await host.raiseAt(start + 100_000, 'a', 'go', { by: 'somebody' });
  await host.raiseAt(start + 110_000, 'a', 'item', { n: 4 });
  await host.run({ until: start + until });
  return opened;
}

/** Keys by what has to be undone before what: members of a group have the same rank. */
function rankOf(key: string): number {
  if (key.startsWith('a/book#')) return 0;
  if (key.startsWith('a/label#')) return 1;
  if (key.startsWith('a:parcel:1/pack#')) return 2;
  if (key.startsWith('a:parcel:1/load#')) return 3;
  if (key.startsWith('a/load#')) return 4;
  throw new Error(`an undo that nobody owes: ${key}`);
}

/** Steps that were tried at all and have an undo, and how often their undos succeeded. */
function booksOf({ host, tape }: Opened): { tried: string[]; undone: Record<string, number> } {
  const tried = new Set(host.attempts.filter(({ name }) => UNDOABLE.has(name)).map(({ key }) => key));
  const undone: Record<string, number> = {};
  for (const { key } of tape.undone) undone[key] = (undone[key] ?? 0) + 1;
  return { tried: [...tried].sort(), undone };
}

const UNDOABLE: ReadonlySet<string> = new Set(['book', 'label', 'pack', 'load']);

type Opened = Awaited<ReturnType<typeof runUntil>>;

async function recover({ host, order: handle }: Opened): Promise<RecoveryAnswer> {
  const answer = await handle.recover();
  await host.run({ until: host.now + 20 * 60_000 });
  return answer;
}

describe.each(MODES)('recovery, on a %s host', (mode) => {
  it('undoes a saga that was terminated, each step once, in reverse', async () => {
    const opened = await runUntil(mode, 90_000);
    const { host, tape, order: handle } = opened;
    host.terminate('a', 'by hand');
    const status = await handle.status();
    expect(status).toMatchObject({ state: 'terminated', reason: 'by hand', pivot: 'none', owes: 4 });
    const answer = await recover(opened);
    expect(answer).toMatchObject({ accepted: true, started: true });
    if (!answer.accepted) throw new Error(answer.message);
    expect(answer.recovery.id).toBe('a:recover');
    expect(await answer.recovery.result({ timeout: 1 })).toMatchObject({
      outcome: 'compensated',
      failure: { code: 'terminated', message: "the saga 'a' was terminated on the platform: by hand" },
    });
    expect(tape.undone.map(({ name }) => name)).toEqual(['label', 'label', 'label', 'book']);
    expect(tape.undone.at(-1)).toMatchObject({
      key: expect.stringMatching(/^a\/book#[0-9a-f-]{36}$/),
      input: { n: 7 },
    });
    expect(tape.undone.at(-1)?.key).toBe(host.attempts.find(({ name }) => name === 'book')?.key);
    expect(tape.calls.at(-1)).toBe('settle a compensated');
    expect(host.logs.some(({ text }) => text.startsWith('saga a owes 4 undos, which are run: a/book#'))).toBe(true);
  });

  it.each([
    ['that goes well', undefined, 290_000],
    ['whose pivot is refused, so that it goes back', 'pay', 330_000],
    ['whose child goes back', 'load', 160_000],
  ])(
    'undoes a saga %s, wherever it was terminated',
    async (_what, fails, end) => {
      const seen = new Set<string>();
      for (let until = 0; until < end; until += 5_000) {
        const opened = await runUntil(mode, until, fails);
        const { host, tape, order: handle } = opened;
        const inFlight = (await handle.status())?.steps.filter(({ state }) => state === 'undoing') ?? [];
        host.terminate('a', 'by hand');
        const before = await handle.status();
        const answer = await recover(opened);
        if (!answer.accepted) {
          seen.add(answer.code);
          const isRefusedRightly =
            (answer.code === 'notStopped' && before?.outcome !== undefined) ||
            (answer.code === 'pastPivot' && before?.pivot !== 'none');
          expect({ until, isRefusedRightly, answer }).toMatchObject({ isRefusedRightly: true });
          continue;
        }
        const outcome = await answer.recovery.result({ timeout: 1 });
        const { tried, undone } = booksOf(opened);
        if (outcome.outcome === 'compensationFailed') {
          // Terminated where all that was left was to end.
          expect({ until, code: outcome.failure.code }).toEqual({ until, code: 'nothing' });
        }
        seen.add(outcome.outcome);
        const refused = tried.filter((key) => fails === 'load' && key.includes('/load#'));
        expect({ until, undone: Object.keys(undone).sort() }).toEqual({
          until,
          undone: tried.filter((key) => !refused.includes(key)),
        });
        for (const [key, times] of Object.entries(undone)) {
          const mayBeTwice = inFlight.some((step) => step.key === key) || key.startsWith('a:');
          expect({ until, key, isOnce: times === 1 || (mayBeTwice && times === 2) }).toMatchObject({ isOnce: true });
        }
        const ranks = tape.undone.map(({ key }) => rankOf(key));
        if (inFlight.length === 0) expect({ until, ranks }).toEqual({ until, ranks: ranks.toSorted((a, b) => b - a) });
        for (const { key, input: given, output } of tape.undone) {
          const n = key.startsWith('a/label#') ? Number(key.slice(-1)) : key.startsWith('a/book#') ? 7 : 4;
          expect(given).toEqual({ n });
          if (output !== undefined) expect(output).toMatch(new RegExp(`^[a-z]+ ${n}$`));
        }
      }
      expect([...seen]).toEqual(expect.arrayContaining(['compensated', 'notStopped']));
    },
    120_000,
  );
});
