import { z } from 'zod';
import { activity, saga, sagaClients, settlementSchema, StepFailure } from '../src';
import type { SagaStepError } from '../src';
import type { SagaHostOptions } from '../src/testing';
import type { SimulatedHost } from '../src/testing/simulated-host';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const input = z.object({ n: z.number() });
const book = taped('book');
const pack = taped('pack');
const load = taped('load');
const pay = tapedOneWay('pay');
const send = tapedOneWay('send');
const activities = [book, pack, load, pay, send];

const refuse = () => {
  throw new StepFailure({ code: 'refused', message: 'no', effect: 'none' });
};

/** A child without a pivot, that waits for a word between its steps if it is told to. */
const parcel = saga(
  {
    name: 'parcel',
    version: '3',
    input: z.object({ n: z.number(), waits: z.boolean().default(false) }),
    output: z.object({ weight: z.number() }),
    events: { go: z.object({ fast: z.boolean() }) },
  },
  function* (saga, { n, waits }) {
    yield* saga.step(pack, { n });
    if (waits) yield* saga.waitFor('go');
    yield* saga.step(load, { n });
    return { weight: n * 10 };
  },
);

const trip = saga(
  {
    name: 'trip',
    version: '1',
    input: z.object({ n: z.number(), waits: z.boolean().default(false) }),
    output: z.number(),
  },
  function* (saga, { n, waits }) {
    yield* saga.step(book, { n });
    const { weight } = yield* saga.child(parcel, { n, waits });
    yield* saga.call(send, { n: weight });
    return weight;
  },
);

/** A child that has a pivot of its own. */
const sale = saga(
  { name: 'sale', version: '1', input, output: z.string(), events: { go: z.object({}) } },
  function* (saga, { n }) {
    yield* saga.step(pack, { n });
    const paid = yield* saga.pivot(pay, { n });
    yield* saga.waitFor('go');
    yield* saga.step(load, { n });
    return paid;
  },
);

const order = saga({ name: 'order', version: '1', input, output: z.string() }, function* (saga, { n }) {
  yield* saga.step(book, { n });
  const paid = yield* saga.child(sale, { n });
  yield* saga.step(send, { n });
  return paid;
});

describe.each(MODES)('a child saga, on a %s host', (mode) => {
  const onTrip = (tripInput: { n: number; waits?: boolean } = { n: 1 }) => {
    const staged = stage(trip, activities, { mode, others: [parcel] });
    return staged.client.start(tripInput, { id: 'a' }).then(() => staged);
  };
  const onOrder = async () => {
    const staged = stage(order, activities, { mode, others: [sale] });
    await staged.client.start({ n: 1 }, { id: 'a' });
    await staged.host.run();
    return staged;
  };

  it('runs as an instance of its own, whose id follows from its parent, and gives its result', async () => {
    const { tape, host, client } = await onTrip();
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 10 });
    expect(tape.calls).toEqual(['book', 'pack', 'load', 'send']);
    expect(host.attempts.map(({ key }) => key)).toContain('a:parcel:1/pack#1');
    const { steps } = await statusOf(client, 'a');
    expect(steps[1]).toMatchObject({ name: 'parcel', key: 'a/parcel#1', child: 'a:parcel:1', state: 'done' });
    expect(host.instance('a').output).toEqual({ outcome: 'completed', result: 10 });
  });

  it('is what its parent waits for, as its status says', async () => {
    const { host, client } = await onTrip({ n: 1, waits: true });
    await host.run();
    const { state, waitingFor, steps } = await statusOf(client, 'a');
    expect(state).toBe('waiting');
    expect(waitingFor).toEqual({ child: 'a:parcel:1', since: new Date(host.now).toISOString() });
    expect(steps[1]).toMatchObject({ key: 'a/parcel#1', child: 'a:parcel:1', state: 'running' });
    await host.raiseEvent('a:parcel:1', 'go', { fast: true });
    await host.run();
    expect((await statusOf(client, 'a')).waitingFor).toBeUndefined();
  });

  it('is undone with its parent, in its own reverse order, under its own keys', async () => {
    const { tape, host, client } = await onTrip();
    tape.script('send', refuse);
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated', failure: { code: 'refused' } });
    expect(tape.undone).toEqual([
      { name: 'load', key: 'a:parcel:1/load#1', input: { n: 1 }, output: 'load 1' },
      { name: 'pack', key: 'a:parcel:1/pack#1', input: { n: 1 }, output: 'pack 1' },
      { name: 'book', key: 'a/book#1', input: { n: 1 }, output: 'book 1' },
    ]);
  });

  it('that had said that it was completed says that it was undone, when it is', async () => {
    const told: string[] = [];
    const settle = activity({
      name: 'settle',
      input: settlementSchema,
      run:
        () =>
        async ({ instanceId, outcome, failure }) => {
          told.push(`${instanceId} ${outcome} ${failure?.code ?? ''}`);
        },
    });
    const small = saga({ name: 'small', version: '1', input, settled: settle }, function* (saga, { n }) {
      yield* saga.step(pack, { n });
    });
    const silent = saga({ name: 'silent', version: '1', input, settled: settle }, function* (saga, { n }) {
      yield* saga.call(pack, { n });
    });
    const large = saga({ name: 'large', version: '1', input, settled: settle }, function* (saga, { n }) {
      yield* saga.child(small, { n });
      yield* saga.child(silent, { n });
      yield* saga.step(book, { n });
    });
    const { tape, host, client } = stage(large, [...activities, settle], { mode, others: [small, silent] });
    tape.script('book', refuse);
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    const { state, steps } = await statusOf(client, 'a');
    expect(state).toBe('compensated');
    expect(steps.slice(0, 2)).toMatchObject([
      { name: 'small', child: 'a:small:1', state: 'undone' },
      { name: 'silent', child: 'a:silent:1', state: 'undone' },
    ]);
    expect(told).toEqual([
      'a:small:1 completed ',
      'a:silent:1 completed ',
      'a:silent:1 compensated refused',
      'a:small:1 compensated refused',
      'a compensated refused',
    ]);
  });

  it('that was undone is a failed step', async () => {
    const { tape, host, client } = await onTrip();
    tape.script('load', refuse);
    await host.run();
    const { state, failure, steps } = await statusOf(client, 'a');
    expect(state).toBe('compensated');
    expect(failure).toMatchObject({ kind: 'declared', code: 'refused', step: 'a:parcel:1/load#1' });
    expect(failure?.message).toBe("the child saga 'parcel' (a:parcel:1) was undone: no");
    expect(steps.map((step) => [step.name, step.state])).toEqual([
      ['book', 'undone'],
      ['parcel', 'failed'],
    ]);
    expect(tape.undone.map(({ name }) => name)).toEqual(['pack', 'book']);
  });

  it('that was undone can be gone on from', async () => {
    const patient = saga({ name: 'patient', version: '1', input, output: z.string() }, function* (saga, { n }) {
      try {
        yield* saga.child(parcel, { n });
        return 'sent';
      } catch (error) {
        return `not sent: ${(error as SagaStepError).failure.code}`;
      }
    });
    const { tape, host, client } = stage(patient, activities, { mode, others: [parcel] });
    tape.script('load', refuse);
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'not sent: refused' });
    expect(tape.undone.map(({ name }) => name)).toEqual(['pack']);
  });

  it('that passed its pivot takes its parent past its own', async () => {
    const { host, client, tape } = await onOrder();
    await host.raiseEvent('a:sale:1', 'go', {});
    tape.script('send', failing(3));
    await host.run();
    const parked = await statusOf(client, 'a');
    expect(parked).toMatchObject({ state: 'parked', pivot: 'passed', parked: { key: 'a/send#1', what: 'step' } });
    expect(await client.get('a').cancel()).toMatchObject({ accepted: false, code: 'pastPivot' });
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'pay 1' });
    expect(tape.undone).toEqual([]);
  });

  it('whose pivot was refused leads its parent back', async () => {
    const staged = stage(order, activities, { mode, others: [sale] });
    staged.tape.script('pay', refuse);
    await staged.client.start({ n: 1 }, { id: 'a' });
    await staged.host.run();
    expect(await statusOf(staged.client, 'a')).toMatchObject({ state: 'compensated', pivot: 'none' });
    expect(staged.tape.undone.map(({ name }) => name)).toEqual(['pack', 'book']);
  });

  it('only goes forward when its parent is past the pivot: it parks instead of failing', async () => {
    const late = saga({ name: 'late', version: '1', input, output: z.number() }, function* (saga, { n }) {
      yield* saga.pivot(pay, { n });
      const { weight } = yield* saga.child(parcel, { n });
      return weight;
    });
    const { tape, host, client } = stage(late, activities, { mode, others: [parcel] });
    tape.script('pack', failing(3));
    await client.start({ n: 2 }, { id: 'a' });
    await host.run();
    const child = host.instance('a:parcel:1').status;
    expect(child).toMatchObject({ state: 'parked', pivot: 'passed', parked: { key: 'a:parcel:1/pack#1' } });
    await host.raiseEvent('a:parcel:1', 'retry', {});
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 20 });
  });

  it('that only goes forward and is given up ends its parent as what could not be finished', async () => {
    const late = saga({ name: 'late', version: '1', input, output: z.number() }, function* (saga, { n }) {
      yield* saga.pivot(pay, { n });
      const { weight } = yield* saga.child(parcel, { n });
      return weight;
    });
    const { tape, host, client } = stage(late, activities, { mode, others: [parcel] });
    tape.script('pack', failing(3));
    await client.start({ n: 2 }, { id: 'a' });
    await host.run();
    await host.raiseEvent('a:parcel:1', 'retry', { action: 'fail' });
    await host.run();
    const { state, failure } = await statusOf(client, 'a');
    expect(state).toBe('compensationFailed');
    expect(failure).toMatchObject({ kind: 'givenUp' });
    expect(failure?.message).toContain("the child saga 'parcel' (a:parcel:1) could not be finished");
  });

  it('whose undo was given up is a failed step, and its parent does not call itself undone', async () => {
    const { tape, host, client } = await onTrip();
    tape.script('load', refuse);
    tape.script('pack_undo', failing(3));
    await host.run();
    expect(host.instance('a:parcel:1').status).toMatchObject({ state: 'parked', parked: { what: 'undo' } });
    await host.raiseEvent('a:parcel:1', 'retry', { action: 'fail' });
    await host.run();
    const { state, failure, steps } = await statusOf(client, 'a');
    expect(state).toBe('compensationFailed');
    expect(failure?.message).toContain('nor undone in full: no');
    expect(steps.map((step) => [step.name, step.state])).toEqual([
      ['book', 'undone'],
      ['parcel', 'undoFailed'],
    ]);
  });

  it('is cancelled with its parent', async () => {
    const { tape, host, client } = await onTrip({ n: 1, waits: true });
    await host.run();
    const answer = await cancel(host, client, 'changed their mind');
    expect(answer).toEqual({ accepted: true, confirmed: true });
    const status = await statusOf(client, 'a');
    expect(status).toMatchObject({
      state: 'compensated',
      cancel: 'honoured',
      failure: { kind: 'cancelled', message: 'changed their mind' },
    });
    expect(host.instance('a:parcel:1').output).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'cancelled', message: 'changed their mind' },
    });
    expect(tape.undone.map(({ name }) => name)).toEqual(['pack', 'book']);
    expect(host.instance('a').openTimers).toBe(0);
  });

  it('that is past its pivot refuses a cancel for its parent, which says so', async () => {
    const { host, client, tape } = await onOrder();
    expect((await statusOf(client, 'a')).pivot).toBe('none');
    expect(await cancel(host, client)).toMatchObject({ accepted: false, code: 'pastPivot' });
    await host.raiseEvent('a:sale:1', 'go', {});
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.outcome).toEqual({ outcome: 'completed', result: 'pay 1' });
    expect(status).toMatchObject({ cancel: 'refused', pivot: 'passed' });
    expect(tape.undone).toEqual([]);
  });

  it('that does what a cancel came too late for hands its undos over, and they are run', async () => {
    const { tape, host, client } = await onTrip();
    // The cancel is there before the child's result is, but the child has ended.
    await host.run({ until: host.now });
    const slow = stage(trip, activities, {
      mode,
      others: [parcel],
      treat: ({ name }) =>
        name === 'durableSagaCancelChild' ? { delay: 60_000 } : name === 'load' ? { delay: 10_000 } : {},
    });
    await slow.client.start({ n: 1 }, { id: 'a' });
    await slow.host.run({ until: slow.host.now + 5_000 });
    await slow.host.raiseEvent('a', 'cancel', {});
    await slow.host.run();
    expect(slow.host.instance('a:parcel:1').output).toMatchObject({ outcome: 'completed' });
    expect(await statusOf(slow.client, 'a')).toMatchObject({ state: 'compensated', cancel: 'honoured' });
    expect(slow.tape.undone.map(({ name }) => name)).toEqual(['load', 'pack', 'book']);
    expect((await statusOf(client, 'a')).state).toBe('completed');
    expect(tape.undone).toEqual([]);
  });

  it('is told of a cancel until it is told, and once', async () => {
    let lost = 0;
    const staged = stage(trip, activities, {
      mode,
      others: [parcel],
      treat: ({ name }) => {
        if (name !== 'durableSagaCancelChild' || lost >= 2) return {};
        lost += 1;
        return { hostFails: 'before' };
      },
    });
    await staged.client.start({ n: 1, waits: true }, { id: 'a' });
    await staged.host.run();
    await staged.host.raiseEvent('a', 'cancel', {});
    await staged.host.run();
    expect((await statusOf(staged.client, 'a')).state).toBe('compensated');
    const raised = staged.host.instance('a:parcel:1').history.filter((event) => event['Name'] === 'cancel');
    expect(raised).toHaveLength(1);
  });

  it('runs in a group, is undone beside its members, and is called back when one of them fails', async () => {
    const both = saga({ name: 'both', version: '1', input }, function* (saga, { n }) {
      yield* saga.all([
        saga.child(parcel, { n, waits: true }, { key: 'slow' }),
        saga.child(parcel, { n }),
        saga.step(book, { n }),
      ]);
    });
    const { tape, host, client } = stage(both, activities, { mode, others: [parcel] });
    tape.script('book', (attempt) => {
      if (attempt === 1) throw new Error('unreachable');
      refuse();
    });
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated', failure: { step: 'a/book#1' } });
    expect(tape.undone.map(({ name, key }) => `${name} ${key}`).sort()).toEqual([
      'book a/book#1',
      'load a:parcel:1/load#1',
      'pack a:parcel:1/pack#1',
      'pack a:parcel:slow/pack#1',
    ]);
    expect(host.instance('a:parcel:slow').output).toMatchObject({ outcome: 'compensated' });
  });

  it('in a group must not pass a pivot: that is a defect before the pivot is tried', async () => {
    const both = saga({ name: 'both', version: '1', input }, function* (saga, { n }) {
      yield* saga.all([saga.child(sale, { n }), saga.step(book, { n })]);
    });
    const { tape, host, client } = stage(both, activities, { mode, others: [sale] });
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    const { state, failure } = await statusOf(client, 'a');
    expect(state).toBe('compensated');
    expect(failure).toMatchObject({ kind: 'defect' });
    expect(failure?.message).toContain("the pivot 'pay' can't be part of a group");
    expect(tape.calls).not.toContain('pay');
  });

  it('of a child hands its undos up through both', async () => {
    const outer = saga({ name: 'outer', version: '1', input }, function* (saga, { n }) {
      yield* saga.child(trip, { n });
      yield* saga.call(pay, { n });
    });
    const { tape, host, client } = stage(outer, activities, { mode, others: [trip, parcel] });
    tape.script('pay', refuse);
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated' });
    expect(tape.undone.map(({ key }) => key)).toEqual([
      'a:trip:1:parcel:1/load#1',
      'a:trip:1:parcel:1/pack#1',
      'a:trip:1/book#1',
    ]);
  });

  it.each([
    ['skip', { outcome: 'completed', result: 7 }],
    ['fail', { outcome: 'compensationFailed', failure: expect.objectContaining({ kind: 'givenUp' }) }],
  ] as const)('that the platform ended parks its parent, until an operator says %s', async (action, outcome) => {
    const { host, client } = await onTrip({ n: 1, waits: true });
    await host.run();
    host.terminate('a:parcel:1', 'by hand');
    await host.run();
    const { state, parked } = await statusOf(client, 'a');
    expect(state).toBe('parked');
    expect(parked).toMatchObject({ what: 'child', key: 'a/parcel#1' });
    expect(parked?.failure.message).toContain('(a:parcel:1) did not end by itself, so that it is unknown what it owes');
    await client.get('a').resolve(action === 'skip' ? { action, output: { weight: 7 } } : { action });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual(outcome);
  });

  describe('that the platform ended', () => {
    const lose = async (options: Pick<SagaHostOptions<unknown>, 'treat'> = {}) => {
      const staged = stage(trip, activities, { mode, others: [parcel], ...options });
      await staged.client.start({ n: 1, waits: true }, { id: 'a' });
      await staged.host.run();
      staged.host.terminate('a:parcel:1', 'by hand');
      await staged.host.run();
      return staged;
    };

    it('is taken over by a retry, and undone with its parent', async () => {
      const { host, client, tape } = await lose();
      expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', owes: 1 });
      await client.get('a').resolve({ action: 'retry' });
      await host.run();
      expect(await statusOf(client, 'a')).toMatchObject({
        state: 'compensated',
        failure: { kind: 'host', step: 'a/parcel#1' },
        steps: [
          { name: 'book', state: 'undone' },
          { name: 'parcel', child: 'a:parcel:1', state: 'undone' },
          { key: 'a:parcel:1/pack#1', state: 'undone' },
        ],
      });
      expect(tape.undone).toEqual([
        { name: 'pack', key: 'a:parcel:1/pack#1', input: { n: 1 }, output: 'pack 1' },
        { name: 'book', key: 'a/book#1', input: { n: 1 }, output: 'book 1' },
      ]);
    });

    it('and was recovered owes nothing to a retry', async () => {
      const { host, client, tape } = await lose();
      const answer = await sagaClients({ parcel })(host).parcel.get('a:parcel:1').recover();
      expect(answer).toMatchObject({ accepted: true });
      await host.run();
      await client.get('a').resolve({ action: 'retry' });
      await host.run();
      expect((await statusOf(client, 'a')).state).toBe('compensated');
      expect(tape.undone.map(({ name }) => name)).toEqual(['pack', 'book']);
    });

    it('and whose history is gone parks again, and says why', async () => {
      const { host, client, tape } = await lose();
      host.purge('a:parcel:1');
      await client.get('a').resolve({ action: 'retry' });
      await host.run();
      const { state, parked } = await statusOf(client, 'a');
      expect(state).toBe('parked');
      expect(parked).toMatchObject({ what: 'child', number: 2 });
      expect(parked?.failure.message).toContain("It can't be taken over: there is no instance 'a:parcel:1' (any more)");
      await client.get('a').resolve({ action: 'fail' });
      await host.run();
      expect((await statusOf(client, 'a')).state).toBe('compensationFailed');
      expect(tape.undone.map(({ name }) => name)).toEqual(['book']);
    });

    it('past its pivot parks again, and says why', async () => {
      const { host, client, tape } = await onOrder();
      host.terminate('a:sale:1', 'by hand');
      await host.run();
      await client.get('a').resolve({ action: 'retry' });
      await host.run();
      const { state, parked } = await statusOf(client, 'a');
      expect(state).toBe('parked');
      expect(parked?.failure.message).toContain("It can't be taken over: the pivot of 'a:sale:1' has passed");
      expect(tape.undone).toEqual([]);
    });

    it('is taken over by a cancel', async () => {
      const { host, client, tape } = await lose();
      expect(await cancel(host, client, 'changed their mind')).toEqual({ accepted: true, confirmed: true });
      expect(await statusOf(client, 'a')).toMatchObject({ state: 'compensated', failure: { kind: 'cancelled' } });
      expect(tape.undone.map(({ name }) => name)).toEqual(['pack', 'book']);
    });

    it('is given up by a cancel when nobody can know what it owes', async () => {
      const { host, client, tape } = await lose();
      host.purge('a:parcel:1');
      await cancel(host, client);
      expect((await statusOf(client, 'a')).state).toBe('compensationFailed');
      expect(tape.undone.map(({ name }) => name)).toEqual(['book']);
    });

    it('and is taken over is undone once, though its parent is terminated and recovered then', async () => {
      const { host, client, tape } = await lose({
        treat: ({ name }) => (name === 'book_undo' ? { delay: 60_000 } : {}),
      });
      await client.get('a').resolve({ action: 'retry' });
      await host.run({ until: host.now + 1_000 });
      expect(tape.undone.map(({ name }) => name)).toEqual(['pack']);
      host.terminate('a', 'by hand');
      await client.get('a').recover();
      await host.run();
      expect(host.instance('a:recover').status).toMatchObject({ state: 'compensated' });
      // The parent's own undo was under way when it was terminated: it runs again.
      expect(tape.undone.map(({ name }) => name)).toEqual(['pack', 'book', 'book']);
    });
  });

  it('must be registered', async () => {
    const { host, client } = stage(trip, activities, { mode });
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    const { state, failure } = await statusOf(client, 'a');
    expect(state).toBe('compensated');
    expect(failure).toMatchObject({
      kind: 'defect',
      message: "the saga 'parcel' is not registered: list it in registerSagas({ sagas: [...] })",
    });
  });

  it('has an id that none of its siblings has: a second with it is a defect that names it', async () => {
    const twins = saga({ name: 'twins', version: '1', input }, function* (saga, { n }) {
      yield* saga.all([
        saga.child(parcel, { n }, { id: 'one' }),
        saga.child(parcel, { n }, { id: 'other', key: 'other' }),
      ]);
      yield* saga.child(parcel, { n }, { id: 'one' });
    });
    const { tape, host, client } = stage(twins, activities, { mode, others: [parcel] });
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    const { state, failure } = await statusOf(client, 'a');
    expect(state).toBe('compensated');
    expect(failure).toMatchObject({
      kind: 'defect',
      message: "child 'parcel': the id 'one' is used twice in this saga; each child needs its own",
    });
    expect(tape.undone.map(({ key }) => key).sort()).toEqual([
      'one/load#1',
      'one/pack#1',
      'other/load#1',
      'other/pack#1',
    ]);
  });

  it('gets its input checked, and all violations are listed', async () => {
    const wrong = saga({ name: 'wrong', version: '1', input }, function* (saga, { n }) {
      yield* saga.child(parcel, { n: String(n) as unknown as number });
    });
    const { host, client } = stage(wrong, activities, { mode, others: [parcel] });
    await client.start({ n: 1 }, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'validation', code: 'invalidInput' });
  });
});

/** Cancels while the host goes on. */
async function cancel(
  host: SimulatedHost,
  client: { get(id: string): { cancel(options: { reason?: string }): Promise<unknown> } },
  reason?: string,
): Promise<unknown> {
  const answers: unknown[] = [];
  const cancelling = client.get('a').cancel(reason === undefined ? {} : { reason });
  void cancelling.then((answer) => answers.push(answer));
  while (answers.length === 0) {
    await host.run();
    await new Promise(setImmediate);
  }
  return answers[0];
}
