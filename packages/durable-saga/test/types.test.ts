import { expectTypeOf } from 'expect-type';
import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import { activity, registerSagas, saga, sagaClients, settlementSchema } from '../src';
import type {
  Answer,
  DurableClient,
  InstanceStatus,
  SagaOutcome,
  Settled,
  Settlement,
  StepContext,
  Undo,
} from '../src';
import type { Transaction } from '../src/postgres';

/*
 * What the compiler says to authors. Nothing here needs to run: a line whose error is gone, or a type that has become
 * `any`, fails the type check.
 */

/** Stands for any use of a value. */
const touch = (_value: unknown): void => undefined;

interface Stock {
  reserve(sku: string): Promise<number>;
}
interface Mailer {
  send(to: string): Promise<void>;
}

const reserve = activity({
  name: 'reserve',
  input: z.object({ sku: z.string(), quantity: z.coerce.number<string | number>() }),
  output: z.object({ left: z.number(), shelf: z.string().default('A') }),
  retry: { attempts: 5, first: '200 ms', deadline: '10 minutes', retryIf: ({ code }) => code !== 'hopeless' },
  run:
    ({ stock }: { stock: Stock }) =>
    async (input, step) => {
      expectTypeOf(input).toEqualTypeOf<{ sku: string; quantity: number }>();
      expectTypeOf(step).toEqualTypeOf<StepContext>();
      return { left: await stock.reserve(input.sku) };
    },
  undo:
    ({ stock }: { stock: Stock }) =>
    async (done) => {
      expectTypeOf(done).toEqualTypeOf<Undo<{ sku: string; quantity: number }, { left: number; shelf: string }>>();
      await stock.reserve(done.input.sku);
      // @ts-expect-error -- the output is unknown when the reply was lost
      touch(done.output.left);
    },
});

const notify = activity({
  name: 'notify',
  input: z.object({ to: z.string() }),
  usesClient: true,
  run:
    ({ mailer }: { mailer: Mailer }) =>
    async ({ to }, step) => {
      expectTypeOf(step.client).toEqualTypeOf<DurableClient>();
      await mailer.send(to);
    },
});

const returned = saga(
  {
    name: 'returned',
    version: '1',
    input: z.object({ sku: z.string(), pieces: z.coerce.number<string | number>() }),
    output: z.object({ refunded: z.number() }),
  },
  function* (saga, { sku, pieces }) {
    const { left } = yield* saga.step(reserve, { sku, quantity: pieces });
    return { refunded: left };
  },
);

const settle = activity({
  name: 'settle',
  input: settlementSchema,
  run: () => async (settlement) => {
    expectTypeOf(settlement).toEqualTypeOf<Settlement>();
  },
});

const order = saga(
  {
    name: 'order',
    version: '1',
    input: z.object({ id: z.string(), count: z.number().default(1) }),
    output: z.object({ total: z.number() }),
    events: { approval: z.object({ approved: z.boolean() }), note: z.string() },
    settled: settle,
  },
  function* (saga, input) {
    expectTypeOf(input).toEqualTypeOf<{ id: string; count: number }>();
    const reserved = yield* saga.step(reserve, { sku: 'a', quantity: '2' });
    expectTypeOf(reserved).toEqualTypeOf<{ left: number; shelf: string }>();
    const none = yield* saga.call(notify, { to: 'x' });
    // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- what an activity without an output gives
    expectTypeOf(none).toEqualTypeOf<void>();
    const mapped = yield* saga.all(['a', 'b'].map((sku) => saga.step(reserve, { sku, quantity: 1 })));
    expectTypeOf(mapped).toEqualTypeOf<{ left: number; shelf: string }[]>();
    const [first, second] = yield* saga.all([
      saga.step(reserve, { sku: 'a', quantity: 1 }),
      saga.call(notify, { to: 'x' }),
    ]);
    expectTypeOf(first).toEqualTypeOf<{ left: number; shelf: string }>();
    // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- as above
    expectTypeOf(second).toEqualTypeOf<void>();
    interface Reserved {
      left: number;
      shelf: string;
    }
    const [inBranch, slept, nested] = yield* saga.all([
      function* () {
        const { left } = yield* saga.step(reserve, { sku: 'a', quantity: 1 });
        return { twice: left * 2 };
      },
      saga.sleep('1 hour'),
      saga.all([saga.step(reserve, { sku: 'a', quantity: 1 })]),
    ]);
    expectTypeOf(inBranch).toEqualTypeOf<{ twice: number }>();
    // eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- as above
    expectTypeOf(slept).toEqualTypeOf<void>();
    expectTypeOf(nested).toEqualTypeOf<[Reserved]>();
    const [settledStep, settledBranch] = yield* saga.allSettled([
      saga.step(reserve, { sku: 'a', quantity: 1 }),
      function* () {
        yield* saga.sleep(1);
        return saga.newId();
      },
    ]);
    expectTypeOf(settledStep).toEqualTypeOf<Settled<Reserved>>();
    expectTypeOf(settledBranch).toEqualTypeOf<Settled<string>>();
    const items = [{ sku: 'a' }, { sku: 'b' }];
    const byStep = yield* saga.map(items, ({ sku }, index) => {
      expectTypeOf(index).toEqualTypeOf<number>();
      return saga.step(reserve, { sku, quantity: 1 }, { key: sku });
    });
    expectTypeOf(byStep).toEqualTypeOf<Reserved[]>();
    const byBranch = yield* saga.map(
      items,
      function* ({ sku }, index) {
        expectTypeOf(index).toEqualTypeOf<number>();
        const { left } = yield* saga.step(reserve, { sku, quantity: 1 });
        return { sku, left };
      },
      { concurrency: 4 },
    );
    expectTypeOf(byBranch).toEqualTypeOf<{ sku: string; left: number }[]>();
    const tolerant = yield* saga.map(
      items,
      function* ({ sku }) {
        yield* saga.sleep(1);
        return sku;
      },
      { minSuccess: 1 },
    );
    expectTypeOf(tolerant).toEqualTypeOf<Settled<string>[]>();
    const race = yield* saga.race({
      answer: saga.waitFor('approval'),
      late: saga.sleep('1 day'),
      branch: function* () {
        yield* saga.sleep(1);
        return saga.random();
      },
    });
    expectTypeOf(race.winner).toEqualTypeOf<'answer' | 'late' | 'branch'>();
    if (race.winner === 'answer') expectTypeOf(race.value).toEqualTypeOf<{ approved: boolean }>();
    if (race.winner === 'branch') expectTypeOf(race.value).toEqualTypeOf<number>();
    expectTypeOf(saga.random()).toEqualTypeOf<number>();
    const approval = yield* saga.waitFor('approval', { timeout: '12 hours' });
    expectTypeOf(approval).toEqualTypeOf<{ approved: boolean } | undefined>();
    const note = yield* saga.waitFor('note');
    expectTypeOf(note).toEqualTypeOf<string>();
    if (approval === undefined) return yield* saga.fail({ code: 'late', message: 'too late' });
    const home = yield* saga.child(returned, { sku: 'a', pieces: '2' }, { key: 'a' });
    expectTypeOf(home).toEqualTypeOf<{ refunded: number }>();
    const [child] = yield* saga.all([saga.child(returned, { sku: 'b', pieces: 1 })]);
    expectTypeOf(child).toEqualTypeOf<{ refunded: number }>();
    // @ts-expect-error -- the child's input has other fields
    yield* saga.child(returned, { sku: 'a', quantity: 1 });
    // @ts-expect-error -- not a field of the child's result
    touch(home.left);
    // @ts-expect-error -- an activity is no saga
    yield* saga.child(reserve, { sku: 'a', quantity: 1 });
    // @ts-expect-error -- a saga is no activity
    yield* saga.step(returned, { sku: 'a', pieces: 1 });
    const taken = yield* saga.pivot(reserve, { sku: 'a', quantity: 1 });
    expectTypeOf(saga.now()).toEqualTypeOf<Date>();
    return { total: taken.left };
  },
);

describe('authors', () => {
  it('are told by the compiler', () => {
    saga({ name: 'wrong', version: '1', input: z.object({}) }, function* (saga) {
      // @ts-expect-error -- a field is missing
      yield* saga.step(reserve, { sku: 'a' });
      // @ts-expect-error -- a field is of another type
      yield* saga.step(reserve, { sku: 1, quantity: 1 });
      // @ts-expect-error -- a field too many
      yield* saga.step(reserve, { sku: 'a', quantity: 1, colour: 'red' });
      // @ts-expect-error -- an unknown option
      yield* saga.step(reserve, { sku: 'a', quantity: 1 }, { keys: 'x' });
      // @ts-expect-error -- no duration
      yield* saga.sleep('1 fortnight');
      // @ts-expect-error -- no events are declared
      yield* saga.waitFor('approval');
      // @ts-expect-error -- a pivot concerns the saga as a whole: it is no member
      yield* saga.all([saga.pivot(reserve, { sku: 'a', quantity: 1 })]);
      yield* saga.all([
        // @ts-expect-error -- nor does it stand in a branch
        function* () {
          yield* saga.pivot(reserve, { sku: 'a', quantity: 1 });
        },
      ]);
      // @ts-expect-error -- a mapper is no place for a pivot either
      yield* saga.map(['a'], function* (sku) {
        yield* saga.pivot(reserve, { sku, quantity: 1 });
      });
      // @ts-expect-error -- nor is a race
      yield* saga.race({ first: saga.pivot(reserve, { sku: 'a', quantity: 1 }) });
      // @ts-expect-error -- a member that ends the saga is none: it stands in a branch
      yield* saga.all([saga.fail({ code: 'x', message: 'x' })]);
      // @ts-expect-error -- a branch takes nothing and is not called
      yield* saga.all([(function* () {})()]);
      // @ts-expect-error -- the mapper makes no member
      yield* saga.map(['a'], (sku) => sku);
      yield* saga.map(['a'], function* (sku) {
        // @ts-expect-error -- a wrong input in a branch
        yield* saga.step(reserve, { sku: 1, quantity: sku });
      });
      const race = yield* saga.race({
        booked: saga.step(reserve, { sku: 'a', quantity: 1 }),
        late: saga.sleep('1 hour'),
      });
      // @ts-expect-error -- only one of them has a value with fields
      touch(race.value.left);
      // @ts-expect-error -- no such member
      touch(race.winner === 'nobody');
      const [settled] = yield* saga.allSettled([saga.step(reserve, { sku: 'a', quantity: 1 })]);
      // @ts-expect-error -- it may have failed
      touch(settled.value);
      const result = yield* saga.step(reserve, { sku: 'a', quantity: 1 });
      // @ts-expect-error -- no such field in the result
      touch(result.right);
      const operation = saga.step(reserve, { sku: 'a', quantity: 1 });
      // @ts-expect-error -- an operation is no result: yield* is missing
      touch(operation.left);
    });

    const fortnight = (): unknown =>
      // @ts-expect-error -- no duration
      saga({ name: 'wrong', version: '1', input: z.object({}), timeout: '1 fortnight' }, function* () {
        yield* [];
      });
    expect(fortnight).toThrow("saga 'wrong': timeout: expected a duration");

    // @ts-expect-error -- codes are texts
    activity({ name: 'wrong', input: z.object({}), retry: { nonRetriable: [404] }, run: () => async () => undefined });

    // @ts-expect-error -- the result is not what the output schema takes
    saga({ name: 'wrong', version: '1', input: z.object({}), output: z.string() }, function* () {
      yield* [];
      return 7;
    });

    // @ts-expect-error -- a plain yield
    saga({ name: 'wrong', version: '1', input: z.object({}) }, function* (saga) {
      yield saga.step(reserve, { sku: 'a', quantity: 1 });
    });

    activity({
      name: 'wrong',
      input: z.object({ a: z.number() }),
      output: z.object({ b: z.number() }),
      // @ts-expect-error -- gives something else than the output schema takes
      run: () => async () => ({ c: 1 }),
    });

    activity({
      name: 'wrong',
      input: z.object({ a: z.number() }),
      run: () => async (input) => {
        // @ts-expect-error -- no such field in the input
        touch(input.b);
      },
      undo: () => async (done) => {
        // @ts-expect-error -- no such field in the undo's input
        touch(done.input.b);
      },
    });

    activity({
      name: 'wrong',
      input: z.object({}),
      run: () => async (_input, step) => {
        // @ts-expect-error -- usesClient was not asked for
        touch(step.client);
      },
    });

    const needsClient = activity({
      name: 'settleWrong',
      input: z.object({ something: z.string() }),
      run: () => async () => undefined,
    });
    // @ts-expect-error -- a settled activity takes a settlement
    saga({ name: 'wrong', version: '1', input: z.object({}), settled: needsClient }, function* () {
      yield* [];
    });
    expect(order.name).toBe('order');
  });
});

describe('values that are only read', () => {
  it('fit wherever one is given, with all their arrays', () => {
    interface Line {
      readonly sku: string;
      readonly sizes: readonly (readonly number[])[];
    }
    const linesSchema = z.object({
      lines: z.array(z.object({ sku: z.string(), sizes: z.array(z.tuple([z.int(), z.int()]).or(z.array(z.int()))) })),
      paidOn: z.iso.date().brand('Day').optional(),
      note: z.unknown(),
    });
    const pack = activity({
      name: 'pack',
      input: linesSchema,
      output: z.object({ packed: z.array(z.string()) }),
      run: () => async (input) => {
        expectTypeOf(input.lines).toEqualTypeOf<{ sku: string; sizes: (number[] | [number, number])[] }[]>();
        const packed: readonly string[] = input.lines.map(({ sku }) => sku);
        return { packed };
      },
    });
    const sending = saga({ name: 'sending', version: '1', input: linesSchema }, function* (saga, { note }) {
      yield* saga.step(pack, { lines: [], note });
    });
    const packing = saga(
      { name: 'packing', version: '1', input: linesSchema, output: linesSchema, events: { more: linesSchema } },
      function* (saga, input) {
        const lines: readonly Line[] = input.lines;
        yield* saga.step(pack, { lines, note: 1 });
        yield* saga.call(pack, { lines, note: lines });
        yield* saga.child(sending, { lines, note: undefined });
        const { packed } = yield* saga.pivot(pack, { lines, note: [] });
        expectTypeOf(packed).toEqualTypeOf<string[]>();
        // @ts-expect-error -- read-only, and of another type
        yield* saga.step(pack, { lines: lines.map(({ sizes }) => ({ sku: 1, sizes })), note: 1 });
        // @ts-expect-error -- a text is no list of lines
        yield* saga.step(pack, { lines: 'lines', note: 1 });
        if (packed.length > 1) return yield* saga.continueAs({ lines, note: 2 });
        return { lines, note: 3 };
      },
    );
    const use = async (client: DurableClient, lines: readonly Line[]): Promise<void> => {
      const started = await sagaClients({ packing })(client).packing.start({ lines, note: 1 });
      await started.raise('more', { lines, note: 1 });
      // @ts-expect-error -- a field of another type, deep in it
      await started.raise('more', { lines: [{ sku: 'a', sizes: [['b']] }], note: 1 });
    };
    expect(use).toBeInstanceOf(Function);
    expect(packing.name).toBe('packing');
  });
});

describe('the composition root', () => {
  it('must give the ports that its activities need', () => {
    const compositionRoots = (stock: Stock, mailer: Mailer): void => {
      registerSagas({ ports: { stock, mailer }, sagas: [order], activities: [reserve, notify, settle] });
      // @ts-expect-error -- the mailer is missing
      registerSagas({ ports: { stock }, sagas: [order], activities: [reserve, notify, settle] });
    };
    expect(compositionRoots).toBeInstanceOf(Function);
  });
});

describe('the typed client', () => {
  it('infers everything from the saga', () => {
    const use = async (client: DurableClient): Promise<void> => {
      const orders = sagaClients({ order })(client).order;
      const started = await orders.start({ id: 'a' }, { id: 'a' });
      expectTypeOf(started.started).toEqualTypeOf<boolean>();
      const one = orders.get('a');
      expectTypeOf(started).toExtend<typeof one>();
      const status = await one.status();
      expectTypeOf(status).toEqualTypeOf<InstanceStatus<{ total: number }> | undefined>();
      expectTypeOf(status?.outcome).toEqualTypeOf<SagaOutcome<{ total: number }> | undefined>();
      expectTypeOf(await one.raise('approval', { approved: true })).toEqualTypeOf<Answer>();
      const outcome = await one.result({ timeout: '1 second' });
      expectTypeOf(outcome).toEqualTypeOf<SagaOutcome<{ total: number }>>();
      if (outcome.outcome === 'completed') {
        expectTypeOf(outcome.result).toEqualTypeOf<{ total: number }>();
        // @ts-expect-error -- a wrong field of the result
        touch(outcome.result.sum);
      }
      // @ts-expect-error -- whether there is a result is to be asked first
      touch(outcome.result);
      for await (const listed of orders.list({ state: 'parked' })) {
        expectTypeOf(listed).toEqualTypeOf<InstanceStatus<{ total: number }>>();
      }
      // @ts-expect-error -- a wrong input
      await orders.start({ id: 1 });
      // @ts-expect-error -- a wrong payload
      await one.raise('approval', { approved: 'yes' });
      // @ts-expect-error -- an event that is not declared
      await one.raise('refusal', {});
      // @ts-expect-error -- a field of the payload is missing
      await started.raise('approval', {});
      // @ts-expect-error -- no such resolution
      await one.resolve({ action: 'pray' });
      // @ts-expect-error -- only a skip has an output
      await one.resolve({ action: 'fail', output: 1 });
      // @ts-expect-error -- no such state
      orders.list({ state: 'lost' });
      // @ts-expect-error -- no duration
      await one.result({ timeout: 'a while' });
      // @ts-expect-error -- no such saga
      touch(sagaClients({ order })(client).other);
    };
    expect(use).toBeInstanceOf(Function);
  });
});

describe('a transaction of the ledger', () => {
  it("gives rows of the type that its caller names, and is a driver's client or a query function like one", () => {
    interface Left {
      left: number;
    }
    const use = async (tx: Transaction): Promise<void> => {
      const { rows } = await tx.query<Left>('select 1 as left', []);
      expectTypeOf(rows).toEqualTypeOf<Left[]>();
      // @ts-expect-error -- not a field of the row
      touch(rows[0]?.right);
      const unnamed = await tx.query('select 1 as left', []);
      expectTypeOf(unnamed.rows).toEqualTypeOf<Readonly<Record<string, unknown>>[]>();
    };
    expectTypeOf<PoolClient>().toExtend<Transaction>();
    expectTypeOf<Pool>().toExtend<Transaction>();
    // @ts-expect-error -- a text is no transaction
    const wrong = (): unknown => use('tx');
    expect(wrong).toBeInstanceOf(Function);
  });
});
