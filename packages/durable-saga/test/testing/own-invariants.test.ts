import { z } from 'zod';
import { activity, saga } from '../../src';
import type { ExplorationSetup, Fault, Violation } from '../../src/testing';
import { runSchedule } from '../../src/testing';

/*
 * Sagas that get something wrong, each with a schedule under which it shows: the run says what, in these words.
 */

interface Ports {
  readonly shop: {
    take(key: string): void;
    putBack(key: string): void;
    pay(): void;
  };
}

/** A careless business: it counts, and looks at no key. */
function careless() {
  let stock = 10;
  let paid = 0;
  const shop = { take: () => void (stock -= 1), putBack: () => void (stock += 1), pay: () => void (paid += 1) };
  return { ports: { shop }, books: () => ({ stock, paid }) };
}

const nothing = z.object({});
const take = activity({
  name: 'take',
  input: nothing,
  timeout: '10 seconds',
  retry: { attempts: 1 },
  run:
    ({ shop }: Ports) =>
    async (_input, step) =>
      shop.take(step.key),
  undo:
    ({ shop }: Ports) =>
    async (_done, step) =>
      shop.putBack(step.key),
});
const pay = activity({
  name: 'pay',
  input: nothing,
  retry: { attempts: 1 },
  run:
    ({ shop }: Ports) =>
    async () =>
      shop.pay(),
});

const buy = saga({ name: 'buy', version: '1', input: nothing, events: { go: nothing } }, function* (saga) {
  yield* saga.step(take, {});
  yield* saga.call(pay, {});
});
const forgiving = saga({ name: 'forgiving', version: '1', input: nothing }, function* (saga) {
  try {
    yield* saga.call(pay, {});
  } catch {
    // What a careless author does.
  }
});
const patient = saga({ name: 'patient', version: '1', input: nothing, events: { go: nothing } }, function* (saga) {
  yield* saga.waitFor('go');
});

const setup = { input: {}, world: careless, activities: [take, pay] } satisfies ExplorationSetup<Ports, object>;

describe('a run says of a saga', () => {
  it.each<readonly [string, typeof buy | typeof forgiving, readonly Fault[], readonly Violation[]]>([
    [
      'that a step had its effect again when it was delivered twice',
      buy,
      [{ kind: 'twice', step: 'take#1', how: 'after' }],
      [{ invariant: 'done once', step: 'explored/take#1', message: 'take#1 had its effect again: stock 9 -> 8' }],
    ],
    [
      'that a late step had its effect after its undo',
      buy,
      [{ kind: 'late', step: 'take#1', what: 'effect', by: 600_000 }],
      [
        {
          invariant: 'a late step does nothing',
          step: 'explored/take#1',
          message: 'take#1 had an effect after it had been undone: stock 11 -> 10',
        },
      ],
    ],
    [
      'that an undo had its effect twice when its reply was lost',
      buy,
      [
        { kind: 'call', step: 'pay#1', call: 1, when: 'before', as: 'broken' },
        { kind: 'platform', step: 'take#1', undo: true, when: 'after' },
      ],
      [
        {
          invariant: 'undone once',
          step: 'explored/take#1',
          message: 'the second undo of take#1 had an effect: stock 10 -> 11',
        },
      ],
    ],
    [
      'that it swallowed a failure',
      forgiving,
      [{ kind: 'call', step: 'pay#1', call: 1, when: 'before', as: 'broken' }],
      [
        {
          invariant: 'no failure is swallowed',
          step: 'explored/pay#1',
          message:
            "saga 'explored' completed though 'explored/pay#1' had failed for good " +
            '(declared broken: broken at call 1, before its effect, on purpose)',
        },
      ],
    ],
    [
      'that it waits for ever',
      patient,
      [],
      [
        {
          invariant: 'every saga ends or is parked',
          message: "saga 'explored' stays waiting for ever: it waits for the event 'go', and nothing will come",
        },
      ],
    ],
  ])('%s', async (_title, wrong, faults, violations) => {
    const run = await runSchedule(wrong, setup, faults);
    expect(run.violations).toEqual(violations);
    expect(run.met).toEqual(faults);
  });

  it('nothing where a failure is tolerated, an event comes, or nothing goes wrong', async () => {
    const broken: Fault = { kind: 'call', step: 'pay#1', call: 1, when: 'before', as: 'broken' };
    const runs = [
      await runSchedule(forgiving, { ...setup, tolerated: ['pay'] }, [broken]),
      await runSchedule(patient, { ...setup, events: [{ after: '1 hour', event: 'go', payload: {} }] }),
      await runSchedule(buy, setup),
    ];
    expect(runs.map(({ violations }) => violations)).toEqual([[], [], []]);
  });

  it('that its replay does something else', async () => {
    let runs = 0;
    const fickle = saga({ name: 'fickle', version: '1', input: nothing }, function* (saga) {
      runs += 1;
      if (runs % 2 === 0) yield* saga.step(take, {});
      else yield* saga.call(pay, {});
    });
    expect((await runSchedule(fickle, setup)).violations).toMatchObject([
      { invariant: 'a replay does the same', step: 'explored/pay#1' },
    ]);
  });

  it('what its author asks, of the run and of its ports', async () => {
    const { violations } = await runSchedule(buy, {
      ...setup,
      invariants: {
        'one payment': ({ books }) => books?.['paid'] === 2,
        'ports are there': (_run, { shop }) => {
          if (typeof shop.pay === 'function') throw new Error('seen');
        },
      },
    });
    expect(violations).toEqual([
      { invariant: 'one payment', message: 'does not hold' },
      { invariant: 'ports are there', message: 'seen' },
    ]);
  });
});

describe('an operator', () => {
  const parked = (then: 'retry' | 'skip' | 'fail'): readonly Fault[] => [
    { kind: 'call', step: 'pay#1', call: 1, when: 'before', as: 'broken' },
    { kind: 'call', step: 'take#1', undo: true, call: 1, when: 'before', as: 'broken', then },
  ];
  it.each([
    ['retry', 'compensated', 10],
    ['skip', 'compensated', 10],
    ['fail', 'compensationFailed', 9],
  ] as const)('says %s of an undo that parked', async (then, ends, stock) => {
    const { outcome, books, parked: decided, violations } = await runSchedule(buy, setup, parked(then));
    expect({ outcome, books, violations }).toEqual({ outcome: ends, books: { stock, paid: 0 }, violations: [] });
    expect(decided).toMatchObject([{ what: 'undo', step: 'take#1', decision: then }]);
  });
});
