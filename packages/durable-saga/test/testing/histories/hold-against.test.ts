import type { OrchestrationHandler } from 'durable-functions';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { z } from 'zod';
import { saga, sagaClients } from '../../../src';
import type { SagaBody } from '../../../src';
import { replayHistory } from '../../../src/testing';
import type { InstanceWithHistory, ReplayVerdict } from '../../../src/testing';
import { createSagaHost } from '../../../src/testing';
import { MODES } from '../../../src/testing/turns';
import type { Mode } from '../../../src/testing';
import { Tape, taped } from '../../support/tape';

/*
 * What a history does not show: steps under way, and the times of turns on the Azure host.
 */

const input = z.object({});
const book = taped('book', { timeout: '10 minutes' });
const label = taped('label');
const activities = [book, label];

type Body = SagaBody<
  typeof input,
  StandardSchemaV1<void, void>,
  { readonly go: typeof input; readonly on: typeof input }
>;
const parcel = (body: Body, timeout?: '2 days') =>
  saga({ name: 'parcel', version: '1', input, events: { go: input, on: input }, ...(timeout && { timeout }) }, body);

const grouped = (isSwapped: boolean) =>
  parcel(function* (saga) {
    const members = [saga.step(book, { n: 1 }), saga.step(label, { n: 1 })];
    yield* saga.all(isSwapped ? members.reverse() : members);
  });

const raced = (isSwapped: boolean) =>
  parcel(function* (saga) {
    if (isSwapped) yield* saga.race({ over: saga.sleep('1 hour'), label: saga.step(label, { n: 1 }) });
    else yield* saga.race({ label: saga.step(label, { n: 1 }), over: saga.sleep('1 hour') });
  });

/** An instance of the one at a time, as a host shows it then, held against the other. */
async function hold(
  mode: Mode,
  [before, after]: readonly [ReturnType<typeof parcel>, ReturnType<typeof parcel>],
  atSecond: number,
): Promise<ReplayVerdict> {
  const host = createSagaHost({
    ports: { tape: new Tape() },
    sagas: [before],
    activities,
    mode,
    treat: ({ name }) => ({ delay: name === 'book' ? 5_000 : 300_000 }),
  }).durable;
  await sagaClients({ parcel: before })(host).parcel.start({}, { id: 'p1' });
  await host.run({ until: host.now + atSecond * 1_000 });
  const shown = host.describe('p1', { history: true }) as InstanceWithHistory;
  return replayHistory(shown, { sagas: [after], activities });
}

describe.each(MODES)('steps under way (%s)', (mode) => {
  it.each([
    ['nothing of a group has answered', 1],
    ['one of a group has answered', 60],
  ])('differ where members have changed places while %s', async (_when, second) => {
    expect(await hold(mode, [grouped(false), grouped(false)], second)).toMatchObject({ verdict: 'same' });
    expect(await hold(mode, [grouped(false), grouped(true)], second)).toMatchObject({
      verdict: 'differs',
      step: 'book',
      history: 'book#1, then label#1',
      code: 'label#1, then book#1',
    });
  });

  it("are the same beside the toolkit's own timers, whose places are known", async () => {
    const one = parcel(function* (saga) {
      yield* saga.step(label, { n: 1 }, { timeout: '10 minutes' });
    }, '2 days');
    expect(await hold(mode, [one, one], 60)).toMatchObject({ verdict: 'same' });
  });

  it('are unverifiable beside a timer of the body, since which was asked for first is not shown', async () => {
    for (const isSwapped of [false, true]) {
      expect(await hold(mode, [raced(false), raced(isSwapped)], 60)).toMatchObject({
        verdict: 'unverifiable',
        why: expect.stringMatching(/^the order of label#1, which is under way, and a timer until 2\S+, asked for/),
      });
    }
    expect(await hold(mode, [raced(false), raced(false)], 400)).toMatchObject({ verdict: 'same' });
    expect(await hold(mode, [raced(false), raced(true)], 400)).toMatchObject({ verdict: 'differs' });
  });
});

describe.each(MODES)('an instance that waits (%s)', (mode) => {
  it('differs where the code owes no undo any more of what was done', async () => {
    const build = (owes: boolean) =>
      parcel(function* (saga) {
        if (owes) yield* saga.step(book, { n: 1 });
        else yield* saga.call(book, { n: 1 });
        yield* saga.waitFor('go');
      });
    expect(await hold(mode, [build(true), build(true)], 60)).toMatchObject({ verdict: 'same' });
    expect(await hold(mode, [build(true), build(false)], 60)).toMatchObject({
      verdict: 'differs',
      history: "waiting, for 'go', owes 1 undo: book done",
      code: "waiting, for 'go': book done",
    });
  });

  it('differs where the code waits for less beside it', async () => {
    const build = (isAlone: boolean) =>
      parcel(function* (saga) {
        if (isAlone) yield* saga.waitFor('go');
        else yield* saga.all([saga.waitFor('go'), saga.waitFor('on')]);
      });
    expect(await hold(mode, [build(false), build(false)], 60)).toMatchObject({ verdict: 'same' });
    expect(await hold(mode, [build(false), build(true)], 60)).toMatchObject({
      verdict: 'differs',
      history: "waiting, for 'go', and 1 more: no steps",
      code: "waiting, for 'go': no steps",
    });
  });
});

describe('a timer behind one that has fired, on a host that does not show when its turns were', () => {
  const sleeper = (first: number, second: number): OrchestrationHandler =>
    function* ({ df }) {
      for (const minutes of [first, second])
        yield df.createTimer(new Date(df.currentUtcDateTime.getTime() + minutes * 60_000));
    };
  const fireAt = '2026-01-01T01:00:00.1500000Z';
  const shown: InstanceWithHistory = {
    ...{ name: 'sleeper', instanceId: 's', runtimeStatus: 'Running', input: null, output: null, customStatus: null },
    createdTime: '2026-01-01T00:00:00Z',
    lastUpdatedTime: '2026-01-01T01:00:00Z',
    historyEvents: [
      { EventType: 'ExecutionStarted', FunctionName: 'sleeper', Timestamp: '2026-01-01T00:00:00.1000123Z' },
      { EventType: 'TimerCreated', FireAt: fireAt, Timestamp: '2026-01-01T00:00:00.2000456Z' },
      { EventType: 'TimerFired', FireAt: fireAt, Timestamp: '2026-01-01T00:00:00.2100456Z' },
      { EventType: 'TimerCreated', FireAt: '2026-01-01T03:00:00.2500000Z', Timestamp: '2026-01-01T01:00:00.3000456Z' },
    ],
  };

  it.each([
    [120, 'same'],
    [119, 'differs'],
    [121, 'differs'],
    [150, 'differs'],
  ])('held against one of %d minutes: %s', (minutes, verdict) => {
    const orchestrators = { sleeper: sleeper(60, minutes) };
    expect(replayHistory(shown, { sagas: [], activities: [], orchestrators })).toMatchObject({ verdict });
  });
});
