import { z } from 'zod';
import { activity, parkNoticeSchema, saga, StepFailure } from '../src';
import { MODES } from '../src/testing/turns';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

const input = z.object({});
const output = z.string();
const book = taped('book');
const pay = tapedOneWay('pay');
const ship = tapedOneWay('ship');
const mail = tapedOneWay('mail');
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

const order = saga({ name: 'order', version: '1', input, output }, function* (saga) {
  yield* saga.step(book, { n: 1 });
  yield* saga.pivot(pay, { n: 2 });
  const [shipped] = yield* saga.all([saga.step(ship, { n: 3 }), saga.call(mail, { n: 4 })]);
  return shipped;
});

const doomed = saga({ name: 'doomed', version: '1', input }, function* (saga) {
  yield* saga.step(book, { n: 1 });
  yield* saga.step(book, { n: 2 });
  yield* saga.fail({ code: 'doomed', message: 'it was to be' });
});

const activities = [book, pay, ship, mail];

describe.each(MODES)('an undo that fails for good, run by %s', (mode) => {
  async function parkUndo(until = 3) {
    const staged = stage(doomed, activities, { mode });
    staged.tape.script('book_undo', failing(until));
    await staged.client.start({}, { id: 'a' });
    await staged.host.run();
    return staged;
  }

  it('parks the saga, and says so in status and log', async () => {
    const { tape, host, client } = await parkUndo();
    expect(tape.calls).toEqual(['book', 'book', 'book_undo', 'book_undo', 'book_undo']);
    const status = await statusOf(client, 'a');
    expect(status).toMatchObject({
      state: 'parked',
      runtimeStatus: 'Running',
      failure: { code: 'doomed' },
      parked: {
        number: 1,
        what: 'undo',
        name: 'book_undo',
        key: 'a/book#2',
        others: 0,
        failure: { kind: 'error', message: 'unreachable' },
      },
    });
    const errors = host.logs.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]?.text).toContain("saga a is parked at undo 'a/book#2' (parking 1): error error: unreachable");
  });

  it('tries again on retry, and goes on with the undos before it', async () => {
    const { tape, host, client } = await parkUndo();
    expect(await client.get('a').resolve({ action: 'retry' })).toEqual({ accepted: true, confirmed: true });
    await host.run();
    expect(tape.calls.slice(5)).toEqual(['book_undo', 'book_undo', 'book_undo', 'book_undo']);
    expect((await statusOf(client, 'a')).parked).toMatchObject({ number: 2, key: 'a/book#1' });
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { code: 'doomed' },
    });
  });

  it('counts as done when an operator skips it', async () => {
    const { tape, host, client } = await parkUndo(Infinity);
    for (const key of ['a/book#2', 'a/book#1']) {
      expect((await statusOf(client, 'a')).parked?.key).toBe(key);
      await client.get('a').resolve({ action: 'skip' });
      await host.run();
    }
    expect(tape.calls.filter((name) => name === 'book_undo')).toHaveLength(6);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensated' });
  });

  it('ends as compensationFailed when an operator gives it up, after the other undos', async () => {
    const { tape, host, client } = await parkUndo();
    await client.get('a').resolve({ action: 'fail' });
    tape.script('book_undo', () => undefined);
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.outcome).toMatchObject({ outcome: 'compensationFailed', failure: { code: 'doomed' } });
    expect(status.steps.map(({ key, state }) => [key, state])).toEqual([
      ['a/book#1', 'undone'],
      ['a/book#2', 'undoFailed'],
    ]);
  });

  it('answers to no decision that was meant for an earlier parking', async () => {
    const { host, client } = await parkUndo(Infinity);
    await client.get('a').resolve({ action: 'skip' });
    await host.raiseEvent('a', 'retry', { action: 'fail', step: 'a/book#2', number: 1 });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', parked: { number: 2, key: 'a/book#1' } });
  });

  it('answers to no decision that was meant for an earlier parking of the same step', async () => {
    const { host, client } = await parkUndo(Infinity);
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    await host.raiseEvent('a', 'retry', { action: 'fail', step: 'a/book#2', number: 1 });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', parked: { number: 2, key: 'a/book#2' } });
  });

  it('says and passes over a decision that it can not read', async () => {
    const { host, client } = await parkUndo();
    await host.raiseEvent('a', 'retry', { action: 'pray' });
    await host.raiseEvent('a', 'retry', 7);
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('parked');
    expect(host.logs.filter(({ level }) => level === 'warn').map(({ text }) => text)).toEqual([
      `saga a: event 'retry' ignored: expected action 'retry', 'skip' or 'fail', got "pray"`,
      `saga a: event 'retry' ignored: expected an object, got number`,
    ]);
    await host.raiseEvent('a', 'retry', undefined);
    await host.run();
    expect((await statusOf(client, 'a')).parked).toMatchObject({ number: 2 });
  });

  it('is not changed by a cancel', async () => {
    const { host, client } = await parkUndo();
    expect(await client.get('a').cancel()).toEqual({ accepted: true, confirmed: true });
    await host.raiseEvent('a', 'cancel', {});
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('parked');
  });

  it('does not stand in the way of the other undos of its group, and several wait side by side', async () => {
    const fan = saga({ name: 'fan', version: '1', input }, function* (saga) {
      yield* saga.all([1, 2, 3].map((n) => saga.step(book, { n })));
      yield* saga.fail({ code: 'x', message: 'x' });
    });
    const { tape, host, client } = stage(fan, [book], { mode });
    tape.script('book_undo', (attempt) => {
      const { key } = tape.undone.at(-1)!;
      if (key !== 'a/book#2' && attempt <= 3) throw new Error('unreachable');
    });
    await client.start({}, { id: 'a' });
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.parked).toMatchObject({ others: 1 });
    expect(status.steps.map(({ state }) => state)).toEqual(['parked', 'undone', 'parked']);
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('compensated');
  });
});

describe.each(MODES)('a step after the pivot that fails for good, run by %s', (mode) => {
  async function parkShip(until = 3) {
    const staged = stage(order, activities, { mode });
    staged.tape.script('ship', failing(until));
    await staged.client.start({}, { id: 'a' });
    await staged.host.run();
    return staged;
  }

  it('parks the saga and goes on when an operator says retry', async () => {
    const { tape, host, client } = await parkShip();
    expect(await statusOf(client, 'a')).toMatchObject({
      state: 'parked',
      pivot: 'passed',
      parked: { what: 'step', name: 'ship', key: 'a/ship#1' },
    });
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'ship 3' });
    expect(tape.calls).not.toContain('book_undo');
  });

  it('goes on with the output that an operator gives for a step that was done by hand', async () => {
    const { host, client } = await parkShip();
    await client.get('a').resolve({ action: 'skip', output: 42 });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('parked');
    expect(host.logs.at(-1)?.text).toContain("'a/ship#1' stays parked, the skip's output is not valid");
    await client.get('a').resolve({ action: 'skip', output: 'carried there' });
    await host.run();
    const status = await statusOf(client, 'a');
    expect(status.outcome).toEqual({ outcome: 'completed', result: 'carried there' });
    expect(status.steps.find(({ name }) => name === 'ship')).toMatchObject({ state: 'skipped' });
  });

  it('ends as compensationFailed when an operator gives it up, and undoes nothing', async () => {
    const { tape, host, client } = await parkShip();
    await client.get('a').resolve({ action: 'fail' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensationFailed',
      failure: { kind: 'givenUp', step: 'a/ship#1', message: 'an operator gave up: unreachable' },
    });
    expect(tape.calls).not.toContain('book_undo');
  });

  it('parks at once when the failure says that trying again is no use', async () => {
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('ship', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls.filter((name) => name === 'ship')).toHaveLength(1);
    expect((await statusOf(client, 'a')).state).toBe('parked');
  });

  it('is tried again at once, whatever another member of its group is doing', async () => {
    const { tape, host, client } = stage(order, activities, {
      mode,
      treat: ({ name, attempt }) => ({ delay: name === 'mail' && attempt === 2 ? 3_600_000 : 0 }),
    });
    tape.script('ship', failing(1, refusal));
    tape.script('mail', failing(1));
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 60_000 });
    await client.get('a').resolve({ action: 'retry' });
    await host.run({ until: host.now + 60_000 });
    const { steps } = await statusOf(client, 'a');
    expect(steps.find(({ name }) => name === 'ship')).toMatchObject({ state: 'done', attempts: 2 });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });

  it('refuses to be cancelled', async () => {
    const { client } = await parkShip();
    expect(await client.get('a').cancel()).toEqual({
      accepted: false,
      code: 'pastPivot',
      message: "saga 'a' can't be cancelled: its pivot has passed",
    });
  });
});

describe.each(MODES)('the pivot, run by %s', (mode) => {
  it('is tried again under the same key while its outcome is unknown, and parks when the attempts are used up', async () => {
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', failing(4));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({
      state: 'parked',
      pivot: 'started',
      parked: { what: 'pivot', key: 'a/pay#1' },
    });
    expect(new Set(host.attempts.filter(({ name }) => name === 'pay').map(({ key }) => key))).toEqual(
      new Set(['a/pay#1']),
    );
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('completed');
    expect(tape.calls).not.toContain('book_undo');
  });

  it('leads back when it is refused for sure', async () => {
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pay', 'book_undo']);
    expect(await statusOf(client, 'a')).toMatchObject({
      pivot: 'none',
      outcome: { outcome: 'compensated', failure: { kind: 'declared', code: 'refused' } },
    });
  });

  it('leads back when it was refused for sure after an attempt of unknown outcome: the key makes them one', async () => {
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', (attempt) => {
      throw attempt === 1 ? new Error('reply lost') : refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pay', 'pay', 'book_undo']);
  });

  it('leads back when all its attempts say "later" and surely had no effect', async () => {
    const busy = (): Error => new StepFailure({ code: 'busy', message: 'later', effect: 'none', retriable: true });
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', failing(3, busy));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pay', 'pay', 'pay', 'book_undo']);
  });

  it('parks when "later" is all that is heard after an attempt of unknown outcome', async () => {
    const busy = new StepFailure({ code: 'busy', message: 'later', effect: 'none', retriable: true });
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', (attempt) => {
      throw attempt === 1 ? new Error('reply lost') : busy;
    });
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pay', 'pay', 'pay']);
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', pivot: 'started' });
  });

  it('parks when it fails without saying that nothing happened', async () => {
    const odd = (): Error => new StepFailure({ code: 'odd', message: 'odd', effect: 'unknown' });
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', failing(1, odd));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(tape.calls).toEqual(['book', 'pay']);
    expect((await statusOf(client, 'a')).state).toBe('parked');
  });

  it('counts as refused when an operator knows that it had no effect', async () => {
    const { tape, host, client } = stage(order, activities, { mode });
    tape.script('pay', failing(Infinity));
    await client.start({}, { id: 'a' });
    await host.run();
    await client.get('a').resolve({ action: 'fail' });
    await host.run();
    expect(tape.calls.at(-1)).toBe('book_undo');
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensated',
      failure: { kind: 'givenUp' },
    });
  });

  it('refuses a cancel that comes while it is tried, even if it is refused itself later', async () => {
    const { tape, host, client } = stage(order, activities, {
      mode,
      treat: ({ name }) => ({ delay: name === 'pay' ? 10_000 : 0 }),
    });
    tape.script('pay', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    await host.raiseEvent('a', 'cancel', {});
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).cancel).toBe('refused');
    await host.run();
    expect((await statusOf(client, 'a')).failure).toMatchObject({ kind: 'declared', code: 'refused' });
  });

  it('is only a step like others where one has passed before', async () => {
    const twice = saga({ name: 'twice', version: '1', input }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.pivot(pay, { n: 2 });
      yield* saga.pivot(ship, { n: 3 });
    });
    const { tape, host, client } = stage(twice, activities, { mode });
    tape.script('ship', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', pivot: 'passed', parked: { what: 'step' } });
  });
});

describe.each(MODES)('a body that fails after the pivot, run by %s', (mode) => {
  const broken = (isMended: () => boolean) =>
    saga({ name: 'broken', version: '1', input, output }, function* (saga) {
      yield* saga.step(book, { n: 1 });
      yield* saga.pivot(pay, { n: 2 });
      if (!isMended()) throw new TypeError('undefined is not a function');
      return yield* saga.step(ship, { n: 3 });
    });

  it('parks, since going back would undo what is final, and undoes nothing when given up', async () => {
    const { tape, host, client } = stage(
      broken(() => false),
      activities,
      { mode },
    );
    await client.start({}, { id: 'a' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({
      state: 'parked',
      parked: { what: 'body', failure: { kind: 'defect', message: 'undefined is not a function' } },
    });
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).parked).toMatchObject({ number: 2 });
    await client.get('a').resolve({ action: 'fail' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensationFailed',
      failure: { kind: 'givenUp' },
    });
    expect(tape.calls).toEqual(['book', 'pay']);
  });

  // The others keep the body that they began with, or hold the corrected one to what it did.
  if (mode === 'replay' || mode === 'azure') {
    it('goes on by itself with a corrected body, at the next event', async () => {
      let isMended = false;
      const { host, client } = stage(
        broken(() => isMended),
        activities,
        { mode },
      );
      await client.start({}, { id: 'a' });
      await host.run();
      isMended = true;
      await client.get('a').resolve({ action: 'retry' });
      await host.run();
      expect((await statusOf(client, 'a')).outcome).toEqual({ outcome: 'completed', result: 'ship 3' });
    });
  }
});

describe.each(MODES)('the parked activity, run by %s', (mode) => {
  const notices: unknown[] = [];
  let answers: (Error | undefined)[] = [];
  const show = activity({
    name: 'show',
    input: parkNoticeSchema,
    retry: { attempts: 2, first: 1 },
    run: () => async (notice) => {
      const failure = answers.shift();
      if (failure !== undefined) throw failure;
      notices.push(notice);
    },
  });
  const watched = saga({ name: 'watched', version: '1', input, parked: show }, function* (saga) {
    yield* saga.all([saga.step(book, { n: 1 }), saga.step(book, { n: 2 })]);
    yield* saga.fail({ code: 'doomed', message: 'it was to be' });
  });
  const failure = { kind: 'error', message: 'unreachable' };

  beforeEach(() => {
    notices.length = 0;
    answers = [];
  });

  async function parkBoth() {
    const staged = stage(watched, [...activities, show], { mode });
    staged.tape.script('book_undo', failing(3));
    await staged.client.start({}, { id: 'a' });
    await staged.host.run();
    return staged;
  }

  it('is told of everything that parks, and once when all of it goes on', async () => {
    const { host, client } = await parkBoth();
    expect(notices).toHaveLength(2);
    const told = {
      saga: 'watched',
      instanceId: 'a',
      state: 'parked',
      failure: expect.objectContaining(failure) as unknown,
    };
    expect(notices).toEqual(
      expect.arrayContaining([
        { ...told, step: 'a/book#1' },
        { ...told, step: 'a/book#2' },
      ]),
    );
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect(notices.slice(2)).toEqual([{ saga: 'watched', instanceId: 'a', state: 'resumed' }]);
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensated' });
  });

  it('changes nothing when it fails for good, and the log says so', async () => {
    answers = Array.from({ length: 4 }, () => new Error('no database'));
    const { host, client } = await parkBoth();
    expect(notices).toEqual([]);
    expect(host.logs.filter(({ text }) => text.includes("'show' could not be told (error: no database)"))).toHaveLength(
      2,
    );
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked' });
    await client.get('a').resolve({ action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensated' });
  });
});
