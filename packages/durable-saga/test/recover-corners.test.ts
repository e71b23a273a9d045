import { z } from 'zod';
import { activity, claiming, saga, sagaClients, settlementSchema, StepFailure } from '../src';
import type { RecoveryAnswer, SagaOutcome } from '../src';
import { createMemoryPayloads } from '../src/memory';
import { createSagaHost } from '../src/testing';
import type { Attempt, Treatment } from '../src/testing';
import type { SimulatedHost } from '../src/testing/simulated-host';
import { MODES } from '../src/testing/turns';
import { failing, Tape, taped, tapedOneWay } from './support/tape';
import type { TapePorts } from './support/tape';

/* Recoveries of sagas that were stopped in a place of their own: parked, in a later history, failed, purged. */

const input = z.object({ n: z.number() });
const book = taped('book');
const pack = taped('pack');
const load = taped('load');
const pay = tapedOneWay('pay');
const tell = activity({
  name: 'tell',
  input: settlementSchema,
  run:
    ({ tape }: TapePorts) =>
    async ({ instanceId, outcome }, step) => {
      tape.play(`tell ${instanceId} ${outcome}`, step);
    },
});

const draw = activity({
  name: 'draw',
  input: claiming(z.object({ title: z.string() }), { document: z.string() }),
  output: claiming(z.object({}), { report: z.string() }),
  run:
    () =>
    async ({ title, document }) => ({ report: `${title}: ${document}` }),
  undo:
    ({ tape }: TapePorts) =>
    async ({ input: given, output }, { key }) => {
      tape.undone.push({ name: 'draw', key, input: given.document.length, output: output?.report.length });
    },
});

const parcel = saga({ name: 'parcel', version: '1', input, settled: tell }, function* (saga, { n }) {
  yield* saga.step(pack, { n });
});

const order = saga({ name: 'order', version: '1', input, events: { go: z.object({}) } }, function* (saga, { n }) {
  yield* saga.step(book, { n });
  yield* saga.child(parcel, { n });
  yield* saga.waitFor('go');
  yield* saga.step(load, { n });
  yield* saga.pivot(pay, { n });
  yield* saga.step(load, { n });
});

/** Books one in each history, and waits in the last; with `fails` it goes back from there. */
const pages = saga(
  {
    name: 'pages',
    version: '1',
    input: z.object({ left: z.number(), fails: z.boolean().default(false) }),
    events: { go: z.object({}) },
  },
  function* (saga, { left, fails }) {
    yield* saga.step(book, { n: left });
    if (left % 2 === 0) yield* saga.child(parcel, { n: left }, { key: String(left) });
    if (left > 1) return yield* saga.continueAs({ left: left - 1, fails });
    if (fails) yield* saga.fail({ code: 'enough', message: 'enough' });
    yield* saga.waitFor('go');
    yield* saga.step(load, { n: 1 });
  },
);

const report = saga(
  {
    name: 'report',
    version: '1',
    input: claiming(z.object({}), { document: z.string() }),
    events: { go: z.object({}) },
  },
  function* (saga, { document }) {
    yield* saga.step(draw, { title: 'T', document });
    yield* saga.waitFor('go');
  },
);

describe.each(MODES)('recovery, on a %s host,', (mode) => {
  function open(treat?: (attempt: Attempt) => Treatment | undefined) {
    const tape = new Tape();
    const claimCheck = { store: createMemoryPayloads(), above: 1_000 };
    const host = createSagaHost({
      ports: { tape },
      sagas: [order, parcel, pages, report],
      activities: [book, pack, load, pay, tell, draw],
      claimCheck,
      mode,
      ...(treat === undefined ? {} : { treat }),
    }).durable;
    const sagas = sagaClients({ order, parcel, pages, report }, { claimCheck })(host);
    const undone = (): string[] => tape.undone.map(({ key }) => key);
    return { tape, host, sagas, undone };
  }

  /** Starts one and brings it to rest, with its event if it is to have it. */
  async function begin(opened: ReturnType<typeof open>, goes: boolean) {
    const { sagas, host } = opened;
    const handle = await sagas.order.start({ n: 1 }, { id: 'a' });
    await host.run();
    if (goes) await handle.raise('go', {});
    await host.run();
    return handle;
  }

  async function finish(host: SimulatedHost, answer: RecoveryAnswer): Promise<SagaOutcome<never>> {
    if (!answer.accepted) throw new Error(`${answer.code}: ${answer.message}`);
    await host.run();
    return answer.recovery.result({ timeout: 1 });
  }

  it('of a saga that is parked at an undo runs that one and what is left, and parks itself if it still fails', async () => {
    const opened = open();
    const { host, tape, undone } = opened;
    tape.script('load', () => {
      throw new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
    });
    let broken = true;
    tape.script('pack_undo', () => {
      if (broken) throw new Error('unreachable');
    });
    const handle = await begin(opened, true);
    expect((await handle.status())?.parked).toMatchObject({ what: 'undo', key: 'a:parcel:1/pack#1' });
    host.terminate('a', 'by hand');
    expect(await handle.status()).toMatchObject({ state: 'terminated', owes: 2 });
    const answer = await handle.recover();
    await host.run();
    if (!answer.accepted) throw new Error(answer.message);
    expect(await answer.recovery.status()).toMatchObject({
      state: 'parked',
      parked: { what: 'undo', key: 'a:parcel:1/pack#1' },
      owes: 2,
    });
    broken = false;
    await answer.recovery.resolve({ action: 'retry' });
    expect(await finish(host, answer)).toMatchObject({ outcome: 'compensated', failure: { code: 'refused' } });
    expect(undone().slice(-2)).toEqual(['a:parcel:1/pack#1', 'a/book#1']);
    expect(tape.calls.filter((call) => call.startsWith('tell'))).toEqual([
      'tell a:parcel:1 completed',
      'tell a:parcel:1 compensated',
    ]);
  });

  it('of a saga whose undo an operator gave up says that it is not undone in full', async () => {
    const opened = open(({ name }) => (name === 'book_undo' ? { delay: 60_000 } : {}));
    const { host, tape, undone } = opened;
    tape.script('load', () => {
      throw new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
    });
    tape.script('pack_undo', failing(99));
    const handle = await begin(opened, true);
    await handle.resolve({ action: 'fail' });
    await host.run({ until: host.now + 1_000 });
    tape.undone.length = 0;
    host.terminate('a', 'by hand');
    expect(await finish(host, await handle.recover())).toMatchObject({ outcome: 'compensationFailed' });
    expect(new Set(undone())).toEqual(new Set(['a/book#1']));
  });

  it('of a saga that is parked at its pivot or after it is refused', async () => {
    for (const name of ['pay', 'load']) {
      const opened = open();
      const { host, tape, undone } = opened;
      let calls = 0;
      tape.script(name, () => {
        calls += 1;
        if (name === 'pay' || calls > 1) throw new Error('unreachable');
      });
      const handle = await begin(opened, true);
      const { pivot = 'none', parked } = (await handle.status()) ?? {};
      expect({ name, pivot, what: parked?.what }).toEqual(
        name === 'pay' ? { name, pivot: 'started', what: 'pivot' } : { name, pivot: 'passed', what: 'step' },
      );
      host.terminate('a', 'by hand');
      expect(await handle.recover()).toMatchObject({ accepted: false, code: 'pastPivot' });
      expect(undone()).toEqual([]);
    }
  });

  it('of a saga that is parked at a lost child undoes what the child did, too', async () => {
    const opened = open(({ name }) => (name === 'tell' ? { delay: 60_000 } : {}));
    const { host, sagas, undone, tape } = opened;
    const handle = await sagas.order.start({ n: 1 }, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    // It has done all that it had to do, and only tells it.
    host.stop('a:parcel:1', 'Terminated', 'by hand');
    await host.run({ until: host.now + 1_000 });
    expect(await handle.status()).toMatchObject({ state: 'parked', parked: { what: 'child' } });
    host.terminate('a', 'by hand');
    expect(await finish(host, await handle.recover())).toMatchObject({ outcome: 'compensated' });
    expect(undone()).toEqual(['a:parcel:1/pack#1', 'a/book#1']);
    expect(tape.calls.at(-2)).toBe('tell a:parcel:1 compensated');
  });

  it.each([1, 2, 5])('of a saga in its history %i undoes what all its histories did', async (left) => {
    const { host, sagas, undone } = open();
    const handle = await sagas.pages.start({ left }, { id: 'a' });
    await host.run();
    expect((await handle.status())?.generation ?? 1).toBe(left);
    const parcels = [2, 4].filter((n) => n <= left);
    host.terminate('a', 'by hand');
    expect(await handle.status()).toMatchObject({ state: 'terminated', owes: left + parcels.length });
    expect(await finish(host, await handle.recover())).toMatchObject({ outcome: 'compensated' });
    const booked = Array.from({ length: left }, (_, n) => left - n);
    expect(undone()).toEqual(
      booked.flatMap((n, i) => [`a/book#${i + 1}`, ...(n % 2 === 0 ? [`a:parcel:${n}/pack#1`] : [])]).reverse(),
    );
  });

  it('of a saga that was on its way back through its histories runs what is left', async () => {
    for (let until = 500; until < 8_000; until += 1_500) {
      const { host, sagas, undone, tape } = open(({ name }) => (name.endsWith('_undo') ? { delay: 1_000 } : {}));
      const handle = await sagas.pages.start({ left: 4, fails: true }, { id: 'a' });
      const start = host.now;
      await host.run({ until: start + until });
      const ended = (await handle.status())?.outcome !== undefined;
      const done = undone().length;
      host.terminate('a', 'by hand');
      const answer = await handle.recover();
      expect(answer.accepted).toBe(!ended);
      if (answer.accepted) {
        expect(await finish(host, answer)).toMatchObject({ outcome: 'compensated', failure: { code: 'enough' } });
      }
      expect(new Set(undone()).size).toBe(6);
      // The one that was under way may run twice.
      expect(undone().length).toBeLessThanOrEqual(7);
      expect(done).toBeLessThanOrEqual(6);
      expect(tape.calls.filter((call) => call === 'book')).toHaveLength(4);
    }
  });

  it('of a saga that the platform failed is the same', async () => {
    const opened = open();
    const { host, undone } = opened;
    const handle = await begin(opened, false);
    host.stop('a', 'Failed', 'Non-Deterministic workflow detected');
    expect(await handle.status()).toMatchObject({ state: 'failed', owes: 2 });
    expect(await finish(host, await handle.recover())).toMatchObject({
      outcome: 'compensated',
      failure: {
        code: 'failed',
        message: "the saga 'a' was failed on the platform: Non-Deterministic workflow detected",
      },
    });
    expect(undone()).toEqual(['a:parcel:1/pack#1', 'a/book#1']);
  });

  it('of a saga that was purged is refused', async () => {
    const opened = open();
    const { host, undone } = opened;
    const handle = await begin(opened, false);
    host.terminate('a', 'by hand');
    host.purge('a');
    expect(await handle.recover()).toEqual({
      accepted: false,
      code: 'unknown',
      message: "there is no saga 'a' (any more)",
    });
    expect(undone()).toEqual([]);
  });

  it('of a saga that is purged just then says that there is nothing to read', async () => {
    const opened = open();
    const { host, undone } = opened;
    const handle = await begin(opened, false);
    host.terminate('a', 'by hand');
    const answer = await handle.recover();
    host.purge('a');
    expect(await finish(host, answer)).toMatchObject({
      outcome: 'compensationFailed',
      failure: { code: 'unreadable', message: "there is no instance 'a' (any more)" },
    });
    expect(undone()).toEqual([]);
  });

  it('fetches what is claimed for the undos', async () => {
    const { host, sagas, tape } = open();
    const document = 'long '.repeat(1_000);
    const handle = await sagas.report.start({ document }, { id: 'r' });
    await host.run();
    host.terminate('r', 'by hand');
    expect(await finish(host, await handle.recover())).toMatchObject({ outcome: 'compensated' });
    expect(tape.undone).toEqual([
      { name: 'draw', key: 'r/draw#1', input: document.length, output: document.length + 3 },
    ]);
  });
});
