import type { ExplorationSetup, Fault, Run } from '../../src/testing';
import { runSchedule } from '../../src/testing';
import { authorise, capture, confirm, reserve, sell, settleSale, ship, Shop, threeLines } from '../support/shop';
import type { Ports } from '../support/shop';

/** The shop as a port whose calls can fail by themselves. */
function setup(more: Partial<ExplorationSetup<Ports, typeof threeLines>> = {}) {
  return {
    input: threeLines,
    world: () => {
      const shop = new Shop();
      return { ports: { shop }, books: () => shop.books };
    },
    activities: [reserve, authorise, capture, ship, confirm, settleSale],
    ...more,
  } satisfies ExplorationSetup<Ports, typeof threeLines>;
}

const done = { stock: 94, reserved: 6, authorised: 600, captured: 600, shipped: 1, mails: 1 };
const undone = { stock: 100, reserved: 0, authorised: 0, captured: 0, shipped: 0, mails: 0 };

const run = (...faults: readonly Fault[]): Promise<Run> => runSchedule(sell, setup(), faults);

describe('a run without faults', () => {
  it('tells of attempts, turns, books and the end, and of no violation', async () => {
    const { outcome, result, books, violations, attempts, turns, met, parked, timeline } = await run();
    expect({ outcome, result, books, violations, met, parked }).toEqual({
      outcome: 'completed',
      result: { tracking: 'T-explored/ship#1' },
      books: done,
      violations: [],
      met: [],
      parked: [],
    });
    expect(attempts.map(({ step, isUndo, attempt, calls }) => [step, isUndo, attempt, calls])).toEqual([
      ['reserve#apple', false, 1, ['shop.effect']],
      ['reserve#pear', false, 1, ['shop.effect']],
      ['reserve#plum', false, 1, ['shop.effect']],
      ['authorise#1', false, 1, ['shop.effect']],
      ['capture#1', false, 1, ['shop.effect']],
      ['ship#1', false, 1, ['shop.effect']],
      ['confirm#1', false, 1, ['shop.effect']],
      ['settleSale#1', false, 1, ['shop.effect']],
    ]);
    expect(turns.map(({ number, canCancel }) => [number, canCancel])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [4, false],
      [5, false],
      [6, false],
      [7, false],
    ]);
    expect(timeline.map((line) => line.replaceAll(/ +/g, ' '))).toMatchInlineSnapshot(`
     [
       " +0s explored sell starts",
       " +0s explored is running",
       " +0s explored reserve#apple, attempt 1: done",
       " +0s explored reserve#pear, attempt 1: done",
       " +0s explored reserve#plum, attempt 1: done",
       " +0s explored authorise#1, attempt 1: done",
       " +0s explored pivot started",
       " +0s explored capture#1, attempt 1: done",
       " +0s explored pivot passed",
       " +0s explored ship#1, attempt 1: done",
       " +0s explored confirm#1, attempt 1: done",
       " +0s explored settleSale#1, attempt 1: done",
       " +0s explored is completed",
     ]
    `);
  });

  it('is the same again, and can be sent to another thread', async () => {
    const first = await run();
    expect(JSON.stringify(await run())).toBe(JSON.stringify(first));
    expect(structuredClone(first)).toEqual(JSON.parse(JSON.stringify(first)));
  });
});

describe('a fault', () => {
  const address = { step: 'reserve#pear' };
  it.each<readonly [string, Fault, Run['outcome']]>([
    ['a call that fails once before its effect', { kind: 'call', ...address, call: 1, when: 'before' }, 'completed'],
    ['a call whose reply is lost', { kind: 'call', ...address, call: 1, when: 'after' }, 'completed'],
    ['a call that always fails', { kind: 'call', ...address, call: 1, when: 'after', times: 'always' }, 'compensated'],
    ['a call that is refused', { kind: 'call', ...address, call: 1, when: 'before', as: 'refused' }, 'compensated'],
    ['a platform that dies before', { kind: 'platform', ...address, when: 'before' }, 'completed'],
    [
      'a platform that always loses the reply',
      { kind: 'platform', ...address, when: 'after', times: 'always' },
      'compensated',
    ],
    ['an effect that is late', { kind: 'late', ...address, what: 'effect' }, 'completed'],
    [
      'effects that come after the undo',
      { kind: 'late', ...address, what: 'effect', times: 'always', by: 600_000 },
      'compensated',
    ],
    ['answers that are late', { kind: 'late', ...address, what: 'answer', times: 'always' }, 'compensated'],
    ['a second delivery after the first', { kind: 'twice', ...address, how: 'after' }, 'completed'],
    ['a second delivery beside the first', { kind: 'twice', ...address, how: 'together' }, 'completed'],
    ['a second delivery later', { kind: 'twice', ...address, how: 'later' }, 'completed'],
    ['a host that is killed before a commit', { kind: 'kill', turn: 2, when: 'before' }, 'completed'],
    ['a host that is killed after a commit', { kind: 'kill', turn: 1, when: 'after' }, 'completed'],
    ['a cancel before the first turn', { kind: 'cancel', wait: 0 }, 'compensated'],
    ['a cancel before the pivot', { kind: 'cancel', wait: 2 }, 'compensated'],
    ['a cancel behind an answer', { kind: 'cancel', wait: 1, how: 'behind' }, 'compensated'],
    ['a cancel after the pivot', { kind: 'cancel', wait: 4 }, 'completed'],
    ['a pivot that parks', { kind: 'call', step: 'capture#1', call: 1, when: 'after', as: 'broken' }, 'completed'],
  ])('may be %s', async (_title, fault, ends) => {
    const { outcome, books, violations, met, timeline } = await run(fault);
    expect({ outcome, books, violations, met, timeline }).toEqual({
      outcome: ends,
      books: ends === 'completed' ? done : undone,
      violations: [],
      met: [fault],
      timeline,
    });
    expect(timeline.filter((line) => line.includes('  * ')).length).toBeGreaterThan(0);
  });

  it('is not met where it strikes nothing', async () => {
    const { met } = await run(
      { kind: 'platform', step: 'reserve#fig', when: 'before' },
      { kind: 'kill', turn: 99, when: 'after' },
    );
    expect(met).toEqual([]);
  });
});
