import { z } from 'zod';
import { activity, saga } from '../../src';
import type { Fault, RunAttempt, RunTurn } from '../../src/testing';
import { describeFault, FAULT_KINDS } from '../../src/testing';
import type { Reach } from '../../src/testing/explorer/enumerate';
import { faultsOf, faultsOfTarget, known, targetsOf } from '../../src/testing/explorer/enumerate';
import { Pairs } from '../../src/testing/explorer/pairs';
import { areAtOdds, Singles } from '../../src/testing/explorer/singles';

const nothing = z.object({});
const reserve = activity({
  name: 'reserve',
  input: nothing,
  timeout: '30 seconds',
  run: () => async () => undefined,
  undo: () => async () => undefined,
});
const charge = activity({ name: 'charge', input: nothing, run: () => async () => undefined });
const tell = activity({ name: 'tell', input: z.unknown(), run: () => async () => undefined });
const order = saga({ name: 'order', version: '1', input: nothing, settled: tell }, function* (context) {
  yield* context.step(reserve, {});
  yield* context.pivot(charge, {});
});

const what = (kinds = FAULT_KINDS, events: { after: number; event: string }[] = []) =>
  known([order], [reserve, charge, tell], { kinds, events });

function attempted(name: string, turn: number, calls: readonly string[], more: Partial<RunAttempt> = {}): RunAttempt {
  const step = `${name.replace('_undo', '')}#1`;
  const isUndo = name.endsWith('_undo');
  const timeout = name.startsWith('reserve') ? 30_000 : undefined;
  return { instanceId: 'o', name, key: `o/${step}`, step, isUndo, attempt: 1, at: turn, turn, timeout, calls, ...more };
}

const turned = (number: number, canCancel: boolean): RunTurn => ({ instanceId: 'o', number, at: number, canCancel });

/** What a run of `order` tries when nothing fails. */
const baseline: Reach = {
  instanceId: 'o',
  attempts: [
    attempted('reserve', 1, ['stock.take']),
    attempted('charge', 2, ['bank.charge']),
    attempted('tell', 3, []),
  ],
  turns: [turned(1, true), turned(2, false), turned(3, false), turned(4, false)],
};

/** One that went back, after the second attempt of its step. */
const wentBack: Reach = {
  instanceId: 'o',
  attempts: [
    attempted('reserve', 1, ['stock.take']),
    attempted('reserve', 3, ['stock.take'], { attempt: 2 }),
    attempted('reserve_undo', 4, ['stock.putBack']),
    attempted('tell', 5, []),
  ],
  turns: [1, 2, 3, 4, 5, 6].map((number) => turned(number, number < 4)),
};

const told = (faults: readonly Fault[]): string[] => faults.map(describeFault);

describe('the faults that can strike a run', () => {
  it('are, of a step with a way back, every way to fail at each of its calls, and to be slow', () => {
    expect(told(faultsOfTarget(baseline, { step: 'reserve#1', isUndo: false }, what()))).toEqual([
      'reserve#1, attempt 1: call 1 fails before its effect',
      'reserve#1, attempts from 1 on: call 1 fails before its effect',
      'reserve#1, attempt 1: call 1 fails for good before its effect',
      'reserve#1, attempt 1: call 1 fails after its effect',
      'reserve#1, attempts from 1 on: call 1 fails after its effect',
      'reserve#1, attempt 1: call 1 fails for good after its effect',
      'reserve#1, attempt 1: call 1 is refused before its effect',
      'reserve#1, attempt 1: the platform fails it before it runs',
      'reserve#1, attempts from 1 on: the platform fails it before it runs',
      'reserve#1, attempt 1: its reply is lost',
      'reserve#1, attempts from 1 on: its reply is lost',
      'reserve#1, attempt 1: runs late',
      'reserve#1, attempts from 1 on: runs late',
      'reserve#1, attempt 1: answers late',
      'reserve#1, attempts from 1 on: answers late',
      'reserve#1, attempt 1: delivered twice, one after the other',
      'reserve#1, attempt 1: delivered twice, at the same time',
      'reserve#1, attempt 1: delivered twice, once more an hour later',
    ]);
  });

  it('are, of what has no way back, those after which an operator decides, who says that it failed only where it is true', () => {
    const faults = told(faultsOfTarget(baseline, { step: 'charge#1', isUndo: false }, what(['call'])));
    expect(faults).toEqual([
      'charge#1, attempt 1: call 1 fails before its effect',
      'charge#1, attempts 1 to 3: call 1 fails before its effect',
      'charge#1, attempt 1: call 1 fails for good before its effect; parked, an operator says retry',
      'charge#1, attempt 1: call 1 fails for good before its effect; parked, an operator says skip',
      'charge#1, attempt 1: call 1 fails for good before its effect; parked, an operator says fail',
      'charge#1, attempt 1: call 1 fails after its effect',
      'charge#1, attempts 1 to 3: call 1 fails after its effect',
      'charge#1, attempt 1: call 1 fails for good after its effect; parked, an operator says retry',
      'charge#1, attempt 1: call 1 fails for good after its effect; parked, an operator says skip',
      'charge#1, attempt 1: call 1 is refused before its effect',
    ]);
  });

  it('are, of an undo, failures for a while and for good, with each decision', () => {
    const faults = told(faultsOfTarget(wentBack, { step: 'reserve#1', isUndo: true }, what(['call'])));
    const after = ['retry', 'skip', 'fail'].map((decision) => `; parked, an operator says ${decision}`);
    expect(faults).toEqual(
      ['before', 'after'].flatMap((when) => [
        `undo of reserve#1, attempt 1: call 1 fails ${when} its effect`,
        `undo of reserve#1, attempts 1 to 3: call 1 fails ${when} its effect`,
        ...after.map((then) => `undo of reserve#1, attempt 1: call 1 fails for good ${when} its effect${then}`),
      ]),
    );
  });

  it('have the decisions of an operator that the setup asks for', () => {
    const careless = known([order], [reserve, charge, tell], { kinds: ['call'], operator: ['skipBlind'] });
    const faults = told(faultsOfTarget(wentBack, { step: 'reserve#1', isUndo: true }, careless));
    expect(faults.filter((line) => line.includes('operator'))).toEqual(
      ['before', 'after'].map(
        (when) =>
          `undo of reserve#1, attempt 1: call 1 fails for good ${when} its effect; parked, an operator says skipBlind`,
      ),
    );
  });

  it('never end for what is tried for ever', () => {
    const settled = { ...baseline, attempts: [attempted('tell', 3, ['mail.send'])] };
    const faults = faultsOfTarget(settled, { step: 'tell#1', isUndo: false }, what());
    expect(faults.filter((fault) => 'times' in fault && fault.times === 'always')).toEqual([]);
    expect(faults.filter((fault) => fault.kind === 'call' && fault.as !== undefined)).toEqual([]);
  });

  it('are kills around each commit, and cancels at each wait', () => {
    expect(told(faultsOf(baseline, what(['kill'])))).toEqual(
      [1, 2, 3, 4].flatMap((turn) =>
        ['before', 'after'].map((when) => `the host is killed ${when} the commit of turn ${turn}`),
      ),
    );
    expect(told(faultsOf(baseline, what(['cancel'])))).toEqual([
      'a cancel comes at wait 0',
      ...[1, 2, 3].flatMap((wait) => [
        `a cancel comes at wait ${wait}`,
        `a cancel comes at wait ${wait}, behind what was waited for`,
      ]),
    ]);
  });

  it('are what can happen to each event', () => {
    const events = [
      { after: 1, event: 'item' },
      { after: 2, event: 'item' },
      { after: 3, event: 'checkout' },
    ];
    const faults = faultsOf(baseline, what(['event'], events));
    expect(faults).toHaveLength(5 + 5 + 4);
    expect(faults).toContainEqual({ kind: 'event', event: 'item', nth: 2, how: 'swapped' });
    expect(faults).not.toContainEqual({ kind: 'event', event: 'checkout', how: 'swapped' });
  });

  it('are events that come just after each deadline for them', () => {
    const waits = (number: number, until: number): RunTurn => ({
      ...turned(number, true),
      waitingFor: { event: 'approval', until },
    });
    const reach = { ...baseline, turns: [waits(1, 60_000), waits(2, 60_000), waits(3, 3_600_000)] };
    const faults = faultsOf(reach, what(['event'], [{ after: 5_000, event: 'approval' }]));
    expect(faults.flatMap((fault) => ('by' in fault ? [fault.by] : []))).toEqual([56_000, 3_596_000]);
  });

  it('strike later attempts where there were any', () => {
    const later = faultsOf(wentBack, what()).filter((fault) => 'attempt' in fault);
    for (const fault of later) expect(fault).toMatchObject({ step: 'reserve#1', attempt: 2 });
    expect(told(later)).toContain('reserve#1, attempt 2: call 1 fails for good after its effect');
    expect(faultsOf(baseline, what()).filter((fault) => 'attempt' in fault)).toEqual([]);
  });
});

describe('single faults', () => {
  const failure: Fault = { kind: 'call', step: 'reserve#1', call: 1, when: 'after', times: 'always' };

  it('strike undos on top of what makes them run', () => {
    const next = new Singles(baseline, what()).next([{ schedule: [failure], reach: wentBack }]);
    const undos = faultsOfTarget(wentBack, { step: 'reserve#1', isUndo: true }, what());
    expect(next.slice(0, undos.length)).toEqual(undos.map((fault) => [failure, fault]));
    // Then kills and cancels on that way.
    expect(new Set(next.slice(undos.length).map(([, second]) => second?.kind))).toEqual(new Set(['kill', 'cancel']));
  });

  it('strike an undo once after its own step failed, and once after another did', () => {
    const singles = new Singles(baseline, what(['call']));
    const other: Fault = { kind: 'call', step: 'charge#1', call: 1, when: 'before', as: 'refused' };
    const round = [failure, failure, other, other].map((fault) => ({ schedule: [fault], reach: wentBack }));
    const firsts = singles.next(round).map(([first]) => first);
    expect(firsts).toEqual([...Array<Fault>(10).fill(failure), ...Array<Fault>(10).fill(other)]);
    expect(singles.next(round)).toEqual([]);
  });
});

describe('pairs of faults', () => {
  const all = (): { pairs: Pairs; drawn: (seed: number) => (readonly Fault[])[] } => {
    const pairs = new Pairs(baseline, what());
    const singles = new Singles(baseline, what()).first();
    for (const schedule of singles) {
      const goesBack = schedule.some((fault) => 'step' in fault && fault.step === 'reserve#1');
      pairs.add({ schedule, reach: goesBack ? wentBack : baseline });
    }
    return { pairs, drawn: (seed) => [...pairs.draw(seed)] };
  };

  it('are drawn once each, whichever fault comes first, and never twice the same attempt', () => {
    const { pairs, drawn } = all();
    const schedules = drawn(1);
    expect(schedules).toHaveLength(pairs.count);
    const ids = schedules.map((schedule) =>
      schedule
        .map((fault) => JSON.stringify(fault))
        .sort()
        .join(),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(schedules.filter(([a, b]) => areAtOdds(a!, b!))).toEqual([]);
  });

  it('have undos and later attempts, the most telling ones, from the beginning on', () => {
    const first = all().drawn(1).slice(0, 110);
    const caused = first.filter(([, second]) => 'undo' in second! || 'attempt' in second!);
    expect(caused).toHaveLength(60);
  });

  it('are the same for a seed, and others for another', () => {
    expect(all().drawn(5)).toEqual(all().drawn(5));
    expect(all().drawn(5)).not.toEqual(all().drawn(6));
  });
});

it('tells what a run tried, each once', () => {
  expect(targetsOf(wentBack)).toEqual([
    { step: 'reserve#1', isUndo: false },
    { step: 'reserve#1', isUndo: true },
    { step: 'tell#1', isUndo: false },
  ]);
});
