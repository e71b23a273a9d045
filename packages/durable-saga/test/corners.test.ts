import { z } from 'zod';
import { activity, saga, sagaClients, StepFailure } from '../src';
import { createMemoryLedger, memoryTransaction } from '../src/memory';
import { createSagaHost } from '../src/testing';
import type { Attempt } from '../src/testing';
import type { SimulatedHost } from '../src/testing/simulated-host';
import { MODES } from '../src/testing/turns';
import { shopOf, sell, Shop, threeLines } from './support/shop';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

/* Corners of the semantics that belong to no other file: what is late, what is unknown, what is declared. */

const input = z.object({});
const book = taped('book');
const pay = tapedOneWay('pay');
const ship = tapedOneWay('ship');
const activities = [book, pay, ship];
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

describe.each(MODES)('a do that comes after its undo, run by %s', (mode) => {
  it('does nothing: the tombstone that the undo left refuses it', async () => {
    const shop = new Shop(100);
    const late = ({ name, input: given }: Attempt) =>
      name === 'reserve' && (given as { sku: string }).sku === 'pear' ? { delay: 10 * 60_000 } : undefined;
    const host = createSagaHost({ ...shopOf(shop), mode, treat: late }).durable;
    const client = sagaClients({ sell })(host).sell;
    const startedAt = host.now;
    await client.start(threeLines, { id: 'a' });
    await host.run({ until: startedAt + 5 * 60_000 });
    // All three attempts have timed out, and the undo is over; they are still on their way.
    const undo = host.attempts.find(({ name, key }) => name === 'reserve_undo' && key === 'a/reserve#pear');
    expect(undo?.at).toBeLessThan(startedAt + 5 * 60_000);
    expect(shop.books).toMatchObject({ stock: 100, reserved: 0 });
    await host.run();
    expect(host.now).toBeGreaterThanOrEqual(startedAt + 10 * 60_000);
    expect(shop.tombstones).toContain('a/reserve#pear');
    expect(shop.books).toMatchObject({ stock: 100, reserved: 0 });
  });

  it('does nothing in a store with a ledger, whichever of its attempts comes how late', async () => {
    const ledger = createMemoryLedger({ clock: () => new Date(0) });
    const effects: string[] = [];
    const refused: string[] = [];
    const hold = activity({
      name: 'hold',
      input: z.object({ n: z.number() }),
      output: z.string(),
      timeout: '10 seconds',
      retry: { attempts: 2, first: '1 second' },
      run:
        () =>
        async ({ n }, step) =>
          memoryTransaction(async (tx) =>
            ledger.once(tx, step.key, async () => {
              effects.push(`held ${n}`);
              return `held ${n}`;
            }),
          ).catch((error: unknown) => {
            refused.push(`${step.key} attempt ${step.attempt}`);
            throw error;
          }),
      undo: () => async (_done, step) =>
        memoryTransaction(async (tx) =>
          ledger.undo<string>(tx, step.key, async (held) => {
            if (held !== undefined) effects.push(`released what was ${held}`);
          }),
        ),
    });
    const body = saga({ name: 'holds', version: '1', input }, function* (saga) {
      yield* saga.step(hold, { n: 1 });
    });
    const { host, client } = stage(body, [hold], {
      mode,
      treat: ({ name, attempt }) => (name === 'hold' ? { delay: attempt === 1 ? 60_000 : 3_600_000 } : undefined),
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'timeout' },
    });
    expect(effects).toEqual([]);
    expect(refused).toEqual(['a/hold#1 attempt 1', 'a/hold#1 attempt 2']);
  });

  it('is what the undo undoes where the first of its attempts had its effect in time', async () => {
    const { tape, host, client } = stage(
      saga({ name: 'holds', version: '1', input }, function* (saga) {
        yield* saga.step(book, { n: 1 }, { timeout: '1 minute' });
      }),
      activities,
      { mode, treat: ({ name }) => (name === 'book' ? { hostFails: 'after' } : undefined) },
    );
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'book', 'book', 'book_undo']);
    expect(tape.undone).toEqual([{ name: 'book', key: 'a/book#1', input: { n: 1 }, output: undefined }]);
  });
});

describe.each(MODES)('retries by policy, run by %s', (mode) => {
  const trying = (retry: Parameters<typeof taped>[1]) => {
    const tries = taped('tries', retry);
    const body = saga({ name: 'trying', version: '1', input }, function* (saga) {
      yield* saga.step(tries, { n: 1 });
    });
    return stage(body, [tries], { mode });
  };
  const waitsOf = (host: SimulatedHost): number[] => {
    const times = host.attempts.filter(({ name }) => name === 'tries').map(({ at }) => at);
    return times.slice(1).map((at, index) => at - (times[index] ?? 0));
  };

  it('wait no longer than the cap, and at least half of what the exponent says', async () => {
    const { tape, host, client } = trying({ retry: { attempts: 9, first: '1 second', factor: 3, cap: '20 seconds' } });
    tape.script('tries', failing(99));
    await client.start({}, { id: 'a' });
    await host.run();
    const full = [1_000, 3_000, 9_000, 20_000, 20_000, 20_000, 20_000, 20_000];
    const waits = waitsOf(host);
    expect(waits).toHaveLength(full.length);
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(full[index]! / 2);
      expect(wait).toBeLessThanOrEqual(full[index]!);
    }
    expect(new Set(waits.slice(3)).size).toBeGreaterThan(1);
  });

  it('stop at a code that was declared not to be worth another try, and say so', async () => {
    const { tape, host, client } = trying({ retry: { attempts: 9, nonRetriable: ['EACCES', '42P01'] } });
    tape.script('tries', (attempt) => {
      throw Object.assign(new Error('x'), { code: attempt < 3 ? 'ECONNRESET' : 'EACCES' });
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['tries', 'tries', 'tries', 'tries_undo']);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      failure: { kind: 'error', code: 'EACCES', retriable: false, effect: 'unknown' },
    });
  });

  it('stop at such a code of a failure that says of itself that it is worth another try', async () => {
    const { tape, host, client } = trying({ retry: { attempts: 9, nonRetriable: ['busy'] } });
    tape.script(
      'tries',
      failing(9, () => new StepFailure({ code: 'busy', message: 'later', effect: 'none', retriable: true })),
    );
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['tries']);
  });

  it('lead a pivot back at such a code when nothing happened, and park it when something may have', async () => {
    const charge = tapedOneWay('charge', { retry: { attempts: 9, nonRetriable: ['declined'] } });
    const body = saga({ name: 'charging', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.pivot(charge, { n: 2 });
    });
    for (const effect of ['none', 'unknown'] as const) {
      const { tape, host, client } = stage(body, [book, charge], { mode });
      tape.script(
        'charge',
        failing(9, () => new StepFailure({ code: 'declined', message: 'no', effect, retriable: true })),
      );
      await client.start({}, { id: 'a' });
      await host.run();
      expect(tape.calls.filter((name) => name === 'charge')).toHaveLength(1);
      expect((await statusOf(client, 'a')).state).toBe(effect === 'none' ? 'compensated' : 'parked');
    }
  });

  it('are the same on a host that fails attempts in its own words', async () => {
    const waits: number[][] = [];
    for (const as of ['reason', 'failureDetails'] as const) {
      const tries = taped('tries');
      const body = saga({ name: 'trying', version: '1', input }, function* (saga) {
        yield* saga.step(tries, { n: 1 });
      });
      const { host, client } = stage(body, [tries], {
        mode,
        treat: ({ name }) => (name === 'tries' ? { hostFails: 'before', as } : undefined),
      });
      await client.start({}, { id: 'a' });
      await host.run();
      waits.push(waitsOf(host));
      expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'host', message: 'the worker died' });
    }
    expect(waits[0]).toHaveLength(2);
    expect(waits[0]).toEqual(waits[1]);
  });
});

describe.each(MODES)('an approval that does not come in time, run by %s', (mode) => {
  it('is a refusal: what was done is undone', async () => {
    const shop = new Shop(100);
    const host = createSagaHost({ ...shopOf(shop), mode }).durable;
    const client = sagaClients({ sell })(host).sell;
    await client.start({ ...threeLines, needsApproval: true }, { id: 'a' });
    // An approval a moment too late is one that did not come.
    await host.raiseAt(host.now + 12 * 3_600_000 + 1, 'a', 'approval', { approved: true });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { code: 'approvalTimedOut' },
    });
    expect(shop.books).toMatchObject({ stock: 100, reserved: 0, authorised: 0 });
  });
});

describe.each(MODES)('keys, run by %s', (mode) => {
  it('count per name in the order of the calls, so that a step added elsewhere shifts nothing', async () => {
    const keysOf = async (withMore: boolean): Promise<string[]> => {
      const body = saga({ name: 'keyed', version: '1', input }, function* (saga) {
        if (withMore) yield* saga.call(ship, { n: 0 });
        yield* saga.step(book, { n: 1 });
        yield* saga.all([saga.step(book, { n: 2 }, { key: 'own' }), saga.step(book, { n: 3 })]);
        yield* saga.pivot(pay, { n: 4 });
      });
      const { host, client } = stage(body, activities, { mode });
      await client.start({}, { id: 'a' });
      await host.run();
      return host.attempts.map(({ key }) => key);
    };
    const keys = ['a/book#1', 'a/book#own', 'a/book#2', 'a/pay#1'];
    expect(await keysOf(false)).toEqual(keys);
    expect(await keysOf(true)).toEqual(['a/ship#1', ...keys]);
  });
});

describe.each(MODES)('a defect, run by %s', (mode) => {
  it.each(['in the body', 'in a branch', 'in a mapper', 'in a race'] as const)(
    '%s undoes, alerts, and is not tried again',
    async (where) => {
      const body = saga({ name: 'broken', version: '1', input }, function* (saga) {
        yield* saga.step(book, { n: 1 });
        const broken = function* (): Generator<never, void, unknown> {
          yield* [];
          throw new TypeError('x is undefined');
        };
        if (where === 'in the body') yield* broken();
        if (where === 'in a branch') yield* saga.all([broken]);
        if (where === 'in a mapper') {
          yield* saga.map([1], () => {
            throw new TypeError('x is undefined');
          });
        }
        if (where === 'in a race') yield* saga.race({ broken, nap: saga.sleep('1 day') });
      });
      const { tape, host, client } = stage(body, activities, { mode });
      await client.start({}, { id: 'a' });
      await host.run();
      expect(tape.calls).toEqual(['book', 'book_undo']);
      expect((await statusOf(client, 'a')).outcome).toMatchObject({
        outcome: 'compensated',
        failure: { kind: 'defect', message: 'x is undefined', retriable: false },
      });
      expect(host.logs.at(-1)).toEqual({
        level: 'error',
        text: 'saga a ended compensated: defect defect: x is undefined',
      });
      expect(host.instance('a').openTimers).toBe(0);
    },
  );

  it.each(['in the body', 'in a branch'] as const)('%s after the pivot parks the saga', async (where) => {
    const body = saga({ name: 'broken', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.pivot(pay, { n: 2 });
      const broken = function* (): Generator<never, void, unknown> {
        yield* [];
        throw new TypeError('x is undefined');
      };
      if (where === 'in the body') yield* broken();
      yield* saga.all([broken]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({
      state: 'parked',
      parked: { what: 'body', key: 'a/broken', failure: { kind: 'defect', message: 'x is undefined' } },
    });
    await client.get('a').resolve({ action: 'fail' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensationFailed',
      failure: { kind: 'givenUp' },
    });
    expect(tape.calls).toEqual(['book', 'pay']);
  });
});

describe.each(MODES)('a definite refusal, run by %s', (mode) => {
  it('owes no undo for a step in a branch, and its undo for the step before it', async () => {
    const body = saga({ name: 'refused', version: '1', input }, function* (saga) {
      yield* saga.all([
        function* () {
          yield* saga.step(book, { n: 1 });
          yield* saga.step(book, { n: 2 });
        },
      ]);
    });
    const { tape, host, client } = stage(body, activities, { mode });
    tape.script('book', () => {
      if (tape.calls.length === 2) throw refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.undone.map(({ key }) => key)).toEqual(['a/book#1']);
  });
});
