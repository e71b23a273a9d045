import { z } from 'zod';
import { saga, StepFailure } from '../src';
import { EventType } from '../src/testing/history';
import { MODES } from '../src/testing/turns';
import type { Tape } from './support/tape';
import { failing, stage, statusOf, taped, tapedOneWay } from './support/tape';

/* Several parked at once, and an operator's events that come at odd moments: none may be lost, none may answer twice. */

const input = z.object({});
const output = z.unknown();
const book = taped('book', { retry: { attempts: 1 } });
const pay = tapedOneWay('pay');
const ship = tapedOneWay('ship', { retry: { attempts: 1 } });
const activities = [book, pay, ship];
const refusal = (): Error => new StepFailure({ code: 'refused', message: 'no', effect: 'none' });

/** Three undos of one group, two of them of branches. */
const undoing = saga({ name: 'undoing', version: '1', input }, function* (saga) {
  yield* saga.all([
    saga.step(book, { n: 1 }, { key: 'one' }),
    function* () {
      yield* saga.step(book, { n: 2 }, { key: 'two' });
    },
    function* () {
      yield* saga.step(book, { n: 3 }, { key: 'three' });
    },
  ]);
  yield* saga.fail({ code: 'x', message: 'x' });
});

/** Three steps after the pivot, in a group. */
const shipping = saga({ name: 'shipping', version: '1', input, output }, function* (saga) {
  yield* saga.pivot(pay, { n: 0 });
  return yield* saga.all([
    saga.step(ship, { n: 1 }, { key: 'one' }),
    function* () {
      return yield* saga.step(ship, { n: 2 }, { key: 'two' });
    },
    saga.all([saga.step(ship, { n: 3 }, { key: 'three' })]),
  ]);
});

/** Fails what is called by this name as long as `isBroken`. */
function breakable(tape: Tape, name: string): { isBroken: boolean } {
  const state = { isBroken: true };
  tape.script(name, () => {
    if (state.isBroken) throw new Error('unreachable');
  });
  return state;
}

describe.each(MODES)('undos of one group that are parked together, run by %s', (mode) => {
  async function park() {
    const staged = stage(undoing, activities, { mode });
    const fault = breakable(staged.tape, 'book_undo');
    await staged.client.start({}, { id: 'a' });
    await staged.host.run();
    expect((await statusOf(staged.client, 'a')).parked).toMatchObject({ what: 'undo', others: 2 });
    const statesOf = async (): Promise<Record<string, string>> => {
      const { steps } = await statusOf(staged.client, 'a');
      return Object.fromEntries(steps.map(({ key, state }) => [key.replace('a/book#', ''), state]));
    };
    return { ...staged, fault, statesOf };
  }

  it('are resolved one by one, each in its own way', async () => {
    const { host, client, fault, statesOf } = await park();
    fault.isBroken = false;
    await host.raiseEvent('a', 'retry', { action: 'retry', step: 'a/book#two' });
    await host.run();
    expect(await statesOf()).toEqual({ one: 'parked', two: 'undone', three: 'parked' });
    await host.raiseEvent('a', 'retry', { action: 'skip', step: 'a/book#three' });
    await host.run();
    expect(await statesOf()).toEqual({ one: 'parked', two: 'undone', three: 'undone' });
    expect((await statusOf(client, 'a')).parked).toMatchObject({ key: 'a/book#one', others: 0 });
    await host.raiseEvent('a', 'retry', { action: 'fail', step: 'a/book#one' });
    await host.run();
    expect(await statesOf()).toEqual({ one: 'undoFailed', two: 'undone', three: 'undone' });
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensationFailed' });
  });

  it('are resolved by events that all come at one moment', async () => {
    const { host, client, statesOf } = await park();
    await host.raiseEvent('a', 'retry', { action: 'skip', step: 'a/book#three' });
    await host.raiseEvent('a', 'retry', { action: 'fail', step: 'a/book#two' });
    await host.raiseEvent('a', 'retry', { action: 'skip', step: 'a/book#one' });
    await host.run();
    expect(await statesOf()).toEqual({ one: 'undone', two: 'undoFailed', three: 'undone' });
    expect((await statusOf(client, 'a')).outcome).toMatchObject({ outcome: 'compensationFailed' });
  });

  it('are all tried again by one event that names none of them', async () => {
    const { tape, host, client, fault } = await park();
    fault.isBroken = false;
    await host.raiseEvent('a', 'retry', undefined);
    await host.run();
    expect(tape.calls.filter((name) => name === 'book_undo')).toHaveLength(6);
    expect((await statusOf(client, 'a')).state).toBe('compensated');
  });

  it('are not answered again by a decision on one of them that is sent twice', async () => {
    const { host, client, statesOf } = await park();
    const { parked } = await statusOf(client, 'a');
    const decision = { action: 'fail', step: parked?.key, number: parked?.number };
    await host.raiseEvent('a', 'retry', decision);
    await host.raiseEvent('a', 'retry', decision);
    await host.run();
    expect(Object.values(await statesOf()).sort()).toEqual(['parked', 'parked', 'undoFailed']);
    expect(host.logs.at(-1)?.text).toBe("saga a: event 'retry' ignored: what it answers is not parked (any more)");
  });
});

describe.each(MODES)('steps after the pivot that are parked together, run by %s', (mode) => {
  async function park() {
    const staged = stage(shipping, activities, { mode });
    const fault = breakable(staged.tape, 'ship');
    await staged.client.start({}, { id: 'a' });
    await staged.host.run();
    expect((await statusOf(staged.client, 'a')).parked).toMatchObject({ what: 'step', others: 2 });
    return { ...staged, fault };
  }

  it('are resolved one by one, each in its own way', async () => {
    const { host, client, fault } = await park();
    await host.raiseEvent('a', 'retry', { action: 'skip', output: 'by hand', step: 'a/ship#two' });
    await host.run();
    fault.isBroken = false;
    await host.raiseEvent('a', 'retry', { action: 'retry', step: 'a/ship#three' });
    await host.run();
    expect((await statusOf(client, 'a')).parked).toMatchObject({ key: 'a/ship#one', others: 0 });
    await host.raiseEvent('a', 'retry', { action: 'retry', step: 'a/ship#one' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['ship 1', 'by hand', ['ship 3']],
    });
  });

  it('end the saga as compensationFailed when one is given up and the others are resolved', async () => {
    const { host, client, fault } = await park();
    await host.raiseEvent('a', 'retry', { action: 'fail', step: 'a/ship#two' });
    await host.run();
    expect(await statusOf(client, 'a')).toMatchObject({ state: 'parked', parked: { others: 1 } });
    fault.isBroken = false;
    await host.raiseEvent('a', 'retry', { action: 'retry' });
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toMatchObject({
      outcome: 'compensationFailed',
      failure: { kind: 'givenUp', step: 'a/ship#two' },
    });
  });

  it('stay parked at a skip whose output is not valid, which the log says', async () => {
    const { host, client } = await park();
    await host.raiseEvent('a', 'retry', { action: 'skip', output: 7, step: 'a/ship#two' });
    await host.run();
    expect((await statusOf(client, 'a')).parked).toMatchObject({ others: 2 });
    expect(host.logs.at(-1)?.text).toContain("'a/ship#two' stays parked, the skip's output is not valid");
  });
});

describe.each(MODES)('an event of an operator that comes too early, run by %s', (mode) => {
  it('is not lost when nothing is parked yet: it answers what parks next', async () => {
    const { tape, host, client } = stage(shipping, activities, { mode, treat: () => ({ delay: 10_000 }) });
    tape.script('ship', (attempt) => {
      if (attempt === 1) throw refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    await host.raiseEvent('a', 'retry', { action: 'retry', step: 'a/ship#two' });
    await host.run();
    expect((await statusOf(client, 'a')).parked).toMatchObject({ others: 1 });
    expect(host.attempts.filter(({ key }) => key === 'a/ship#two')).toHaveLength(2);
    await host.raiseEvent('a', 'retry', {});
    await host.run();
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });

  it('is not lost when something else is parked: it answers the step that it names, once that parks', async () => {
    const { tape, host, client } = stage(shipping, activities, {
      mode,
      treat: ({ key }) => ({ delay: key === 'a/ship#two' ? 60_000 : 0 }),
    });
    breakable(tape, 'ship');
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 10_000 });
    expect((await statusOf(client, 'a')).parked).toMatchObject({ others: 1 });
    await host.raiseEvent('a', 'retry', { action: 'skip', output: 'by hand', step: 'a/ship#two' });
    await host.run();
    const { steps, parked } = await statusOf(client, 'a');
    expect(steps.find(({ key }) => key === 'a/ship#two')).toMatchObject({ state: 'skipped', attempts: 1 });
    expect(parked).toMatchObject({ key: 'a/ship#one', others: 1 });
  });

  it('is not lost when several come before anything is parked', async () => {
    const { tape, host, client } = stage(shipping, activities, { mode, treat: () => ({ delay: 10_000 }) });
    breakable(tape, 'ship');
    await client.start({}, { id: 'a' });
    await host.run({ until: host.now + 1_000 });
    for (const step of ['a/ship#three', 'a/ship#one', 'a/ship#two']) {
      await host.raiseEvent('a', 'retry', { action: 'skip', output: `${step} by hand`, step });
    }
    await host.run();
    expect((await statusOf(client, 'a')).outcome).toEqual({
      outcome: 'completed',
      result: ['a/ship#one by hand', 'a/ship#two by hand', ['a/ship#three by hand']],
    });
  });

  it('is not lost while a parked step is tried again', async () => {
    const { tape, host, client } = stage(shipping, activities, { mode, treat: () => ({ delay: 10_000 }) });
    tape.script('ship', () => {
      if (tape.calls.filter((name) => name === 'ship').length <= 6) throw refusal();
    });
    await client.start({}, { id: 'a' });
    await host.run();
    await host.raiseEvent('a', 'retry', {});
    await host.run({ until: host.now + 1_000 });
    expect((await statusOf(client, 'a')).state).toBe('running');
    await host.raiseEvent('a', 'retry', {});
    await host.run();
    // The second event answered the first of the three that parked again; the others wait for one of their own.
    for (let round = 0; round < 2 && (await statusOf(client, 'a')).state === 'parked'; round += 1) {
      await host.raiseEvent('a', 'retry', {});
      await host.run();
    }
    expect((await statusOf(client, 'a')).state).toBe('completed');
  });
});

describe.each(MODES)('each kind of parking, run by %s', (mode) => {
  const all = saga({ name: 'all', version: '1', input, output }, function* (saga) {
    yield* saga.step(book, { n: 1 });
    const paid = yield* saga.pivot(pay, { n: 2 });
    return [paid, yield* saga.step(ship, { n: 3 })];
  });
  const broken = saga({ name: 'broken', version: '1', input, output }, function* (saga) {
    yield* saga.pivot(pay, { n: 2 });
    throw new TypeError('x is undefined');
  });

  it.each([
    { what: 'step', action: 'retry', end: { outcome: 'completed', result: ['pay 2', 'ship 3'] } },
    { what: 'step', action: 'skip', end: { outcome: 'completed', result: ['pay 2', 'by hand'] } },
    { what: 'step', action: 'fail', end: { outcome: 'compensationFailed', failure: { kind: 'givenUp' } } },
    { what: 'pivot', action: 'retry', end: { outcome: 'completed', result: ['pay 2', 'ship 3'] } },
    { what: 'pivot', action: 'skip', end: { outcome: 'completed', result: ['by hand', 'ship 3'] } },
    { what: 'pivot', action: 'fail', end: { outcome: 'compensated', failure: { kind: 'givenUp' } } },
    { what: 'undo', action: 'retry', end: { outcome: 'compensated', failure: { code: 'refused' } } },
    { what: 'undo', action: 'skip', end: { outcome: 'compensated', failure: { code: 'refused' } } },
    { what: 'undo', action: 'fail', end: { outcome: 'compensationFailed', failure: { code: 'refused' } } },
    { what: 'body', action: 'retry', end: undefined },
    { what: 'body', action: 'skip', end: { outcome: 'compensationFailed', failure: { kind: 'givenUp' } } },
    { what: 'body', action: 'fail', end: { outcome: 'compensationFailed', failure: { kind: 'givenUp' } } },
  ] as const)('$what answers to $action', async ({ what, action, end }) => {
    const { tape, host, client } = stage(what === 'body' ? broken : all, activities, { mode });
    const faults = [
      ...(what === 'step' ? [breakable(tape, 'ship')] : []),
      ...(what === 'pivot' ? [breakable(tape, 'pay')] : []),
      ...(what === 'undo' ? [breakable(tape, 'book_undo')] : []),
    ];
    if (what === 'undo') tape.script('pay', failing(1, refusal));
    await client.start({}, { id: 'a' });
    await host.run();
    expect((await statusOf(client, 'a')).parked).toMatchObject({ what });
    for (const fault of faults) fault.isBroken = false;
    await client.get('a').resolve(action === 'skip' ? { action, output: 'by hand' } : { action });
    await host.run();
    const status = await statusOf(client, 'a');
    if (end !== undefined) expect(status.outcome).toMatchObject(end);
    // A body can't be tried again by itself: it parks again, until it is given up or mended by a deployment.
    else expect(status).toMatchObject({ state: 'parked', parked: { what: 'body', number: 2 } });
    expect(host.instance('a').openTimers).toBe(0);
    expect(host.instance('a').history.filter((event) => event.EventType === EventType.eventRaised)).toHaveLength(1);
  });
});
