import { fractionOf, uuidOf } from '../src/deterministic';
import { toMilliseconds } from '../src/duration';
import { failureFromThrown, isFailure, messageOf, StepFailure } from '../src/failure';
import type { Handle } from '../src/durable-port';
import type { Fiber } from '../src/fiber';
import { parallel } from '../src/fiber';
import { hostFailure, replyOf } from '../src/host-failure';
import { KeyCounter } from '../src/keys';
import { nextDelay, planRetries } from '../src/retry';
import { settlementSchema } from '../src/settlement';
import { readStart } from '../src/start-envelope';
import { Progress } from '../src/progress';
import type { SagaStatus, StepState, StepStatus } from '../src/status';
import { fitStatus, STATUS_LIMIT } from '../src/status';
import { UndoStack } from '../src/undo-stack';
import { taped } from './support/tape';

describe('durations', () => {
  it.each([
    [0, 0],
    [1500, 1500],
    ['200 ms', 200],
    ['1 second', 1_000],
    ['30 seconds', 30_000],
    ['1.5 hours', 5_400_000],
    ['2 days', 172_800_000],
    ['5 m', 300_000],
  ] as const)('%j is %d ms', (duration, expected) => {
    expect(toMilliseconds(duration, 'here')).toBe(expected);
  });

  it.each(['', '5', 'minutes', '5 minuten', '-1 second', 'x seconds', '1 second 2', -1, NaN, Infinity, null, {}])(
    '%j is none, and is named with its place',
    (duration) => {
      expect(() => toMilliseconds(duration as never, 'step x')).toThrow(/^step x: expected a duration/);
    },
  );
});

describe('keys', () => {
  it('count per step name, in the order of the calls', () => {
    const keys = new KeyCounter('order-1');
    expect(['book', 'pay', 'book', 'book'].map((name) => keys.next(name))).toEqual([
      'order-1/book#1',
      'order-1/pay#1',
      'order-1/book#2',
      'order-1/book#3',
    ]);
  });

  it("leave the count alone for an author's own key", () => {
    const keys = new KeyCounter('o');
    expect([keys.next('book'), keys.next('book', 'sku-7'), keys.next('book')]).toEqual([
      'o/book#1',
      'o/book#sku-7',
      'o/book#2',
    ]);
  });

  it('are never given twice', () => {
    const keys = new KeyCounter('o');
    keys.next('book', '1');
    expect(() => keys.next('book')).toThrow("step 'book': the key '1' is used twice in this saga");
  });
});

describe('deterministic values', () => {
  it('are the same for the same texts, and others for others', () => {
    expect(fractionOf('a', '1')).toBe(fractionOf('a', '1'));
    expect(fractionOf('a', '1')).not.toBe(fractionOf('a1'));
    const fractions = Array.from({ length: 1_000 }, (_, n) => fractionOf(String(n)));
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(fractions.reduce((sum, fraction) => sum + fraction) / 1_000).toBeCloseTo(0.5, 1);
  });

  it('include UUIDs of version 8', () => {
    expect(uuidOf('a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuidOf('a')).toBe(uuidOf('a'));
    expect(uuidOf('a', 'b')).not.toBe(uuidOf('ab'));
  });
});

describe('retries', () => {
  const failure = failureFromThrown(new Error('x'));
  const delaysOf = (policy: Parameters<typeof planRetries>[1], attempts: number) =>
    Array.from({ length: attempts }, (_, n) =>
      nextDelay(planRetries('step', policy, 'x'), { key: 'k', attempt: n + 1, elapsed: 0, failure }),
    );

  it('wait exponentially longer up to the cap, between half of it and all of it', () => {
    const delays = delaysOf({ attempts: 8, first: '1 second', factor: 2, cap: '10 seconds' }, 7);
    const full = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000];
    for (const [n, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(full[n]! / 2);
      expect(delay).toBeLessThanOrEqual(full[n]!);
    }
    expect(new Set(delays).size).toBe(7);
  });

  it('end with the attempts, the deadline, retryIf, and a failure that is not retriable', () => {
    const plan = planRetries('step', { attempts: 3, deadline: '5 seconds' }, 'x');
    const at = (attempt: number, elapsed: number) => nextDelay(plan, { key: 'k', attempt, elapsed, failure });
    expect(at(2, 0)).toBeDefined();
    expect(at(3, 0)).toBeUndefined();
    expect(at(1, 4_900)).toBeUndefined();
    const never = planRetries('step', { retryIf: () => false }, 'x');
    expect(nextDelay(never, { key: 'k', attempt: 1, elapsed: 0, failure })).toBeUndefined();
    const hopeless = { ...failure, retriable: false };
    expect(nextDelay(plan, { key: 'k', attempt: 1, elapsed: 0, failure: hopeless })).toBeUndefined();
  });

  it('never end for the settled activity', () => {
    const plan = planRetries('settled', { attempts: 1, deadline: 1 }, 'x');
    const hopeless = { ...failure, retriable: false };
    expect(nextDelay(plan, { key: 'k', attempt: 10_000, elapsed: 1e12, failure: hopeless })).toBeLessThanOrEqual(
      300_000,
    );
  });

  it('take what is left out from the role: a step gives up in minutes, what has no way back in hours', () => {
    expect(planRetries('step', {}, 'x')).toMatchObject({ attempts: 10, first: 1_000, factor: 2, cap: 60_000 });
    expect(planRetries('forward', {}, 'x')).toMatchObject({ attempts: 100, cap: 300_000 });
    expect(planRetries('undo', { attempts: 2 }, 'x')).toMatchObject({ attempts: 2, cap: 300_000 });
  });

  it.each([{ attempts: 0 }, { attempts: NaN }, { factor: 0.5 }, { first: 'soon' as never }])('refuse %j', (policy) => {
    expect(() => planRetries('step', policy, "step 'x'")).toThrow(/^step 'x': /);
  });
});

describe('failures as data', () => {
  it('keep what a StepFailure says, of this or another copy of the package', () => {
    const options = { code: 'c', message: 'm', effect: 'none', details: { n: 1 } } as const;
    const expected = { kind: 'declared', code: 'c', message: 'm', retriable: false, effect: 'none', details: { n: 1 } };
    expect(failureFromThrown(new StepFailure(options))).toEqual(expected);
    const copy = Object.assign(new Error('m'), { name: 'StepFailure', retriable: false, ...options });
    expect(failureFromThrown(copy)).toEqual(expected);
  });

  it.each([
    [new Error('boom'), 'error', 'boom'],
    [Object.assign(new Error('boom'), { code: 'ECONNRESET' }), 'ECONNRESET', 'boom'],
    [Object.assign(new Error('boom'), { code: 23505 }), '23505', 'boom'],
    [Object.assign(new Error('boom'), { code: { odd: true } }), 'error', 'boom'],
    [new AggregateError([new Error('one'), new Error('two')]), 'error', 'one; two'],
    [new TypeError(''), 'error', 'TypeError'],
    ['text', 'error', 'thrown value: "text"'],
    [undefined, 'error', 'thrown value: undefined'],
    [Symbol('s'), 'error', 'thrown value: Symbol(s)'],
  ])('take anything else, like %p, as "maybe ran, try again"', (thrown, code, message) => {
    const failure = failureFromThrown(thrown);
    expect(failure).toEqual({ kind: 'error', code, message, retriable: true, effect: 'unknown' });
    expect(isFailure(JSON.parse(JSON.stringify(failure)))).toBe(true);
  });

  it('say something of a value that can not be shown', () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;
    expect(messageOf(ring)).toBe('thrown value: [object Object]');
  });

  it('are told from other values', () => {
    for (const value of [null, 'x', {}, { kind: 'error', code: 'x', message: 'x', retriable: 1, effect: 'none' }]) {
      expect(isFailure(value)).toBe(false);
    }
  });
});

describe('what hosts send', () => {
  const azureDetails = JSON.stringify({
    ClassName: 'System.Exception',
    Message: ' first',
    InnerException: { ClassName: 'Microsoft.Azure.WebJobs.Host.FunctionTimeoutException', Message: 'x' },
  });

  it.each([
    [
      'the Azure host',
      `Activity function 'flaky' failed:  it broke \n ${azureDetails}`,
      'FunctionTimeoutException',
      'it broke',
    ],
    ['free text', `Activity function 'flaky' failed: it broke \n at x`, 'host', 'it broke'],
    [
      'details that name one class',
      `it broke \n {"ClassName":"System.TimeoutException"}`,
      'TimeoutException',
      'it broke',
    ],
    ['a reason alone', 'it broke', 'host', 'it broke'],
    ['details of no use', `it broke \n [1]`, 'host', 'it broke'],
    ['nothing', '', 'host', 'Error'],
  ])('is read from Reason and Details of %s', (_what, message, code, expected) => {
    expect(hostFailure(new Error(message))).toEqual({
      kind: 'host',
      code,
      message: expected,
      retriable: true,
      effect: 'unknown',
    });
  });

  it('is read from the innermost of the FailureDetails', () => {
    const failureDetails = {
      errorType: 'DurableTask.Core.Exceptions.TaskFailedException',
      errorMessage: 'a task failed',
      innerFailure: { errorType: 'System.OutOfMemoryException', errorMessage: 'no memory left' },
    };
    expect(hostFailure(Object.assign(new Error('x'), { failureDetails }))).toMatchObject({
      code: 'OutOfMemoryException',
      message: 'no memory left',
    });
  });

  it('is clipped, since a history keeps it', () => {
    expect(hostFailure(new Error('x'.repeat(5_000))).message).toHaveLength(1_003);
  });

  it("is the activity's own reply, where there is one", () => {
    const failure = failureFromThrown(new Error('x'));
    expect(replyOf({ ok: true, value: { ok: true, value: 7 } })).toEqual({ ok: true, value: 7 });
    expect(replyOf({ ok: true, value: { ok: true } })).toEqual({ ok: true, value: undefined });
    expect(replyOf({ ok: true, value: { ok: false, failure } })).toEqual({ ok: false, failure });
    for (const value of [undefined, null, 'done', { ok: false }, { ok: 'yes' }]) {
      expect(replyOf({ ok: true, value })).toMatchObject({ ok: false, failure: { code: 'foreignReply' } });
    }
  });
});

describe('the start envelope', () => {
  it('is read with and without a stamp', () => {
    expect(readStart({ $saga: { version: '2' }, input: { a: 1 } }, undefined)).toEqual({
      version: '2',
      input: { a: 1 },
    });
    expect(readStart({ a: 1 }, undefined)).toEqual({ version: '0', input: { a: 1 } });
    expect(readStart({ a: 1 }, '1.5')).toEqual({ version: '1.5', input: { a: 1 } });
    expect(readStart('', undefined)).toEqual({ version: '0', input: '' });
    expect(readStart({ $saga: 'odd' }, undefined)).toEqual({ version: '0', input: { $saga: 'odd' } });
  });
});

describe('settlements', () => {
  it('are checked like any other input', () => {
    const check = (value: unknown) => settlementSchema['~standard'].validate(value);
    const failure = failureFromThrown(new Error('x'));
    expect(check({ instanceId: 'a', outcome: 'compensated', failure })).toEqual({
      value: { instanceId: 'a', outcome: 'compensated', failure },
    });
    expect(check(7)).toEqual({ issues: [{ path: [], message: 'expected an object, got number' }] });
    expect(check({ outcome: 'odd', failure: {} })).toEqual({
      issues: [
        { path: ['instanceId'], message: 'expected a string' },
        { path: ['outcome'], message: "expected 'completed', 'compensated' or 'compensationFailed'" },
        { path: ['failure'], message: 'expected a failure' },
      ],
    });
  });
});

describe('the undo stack', () => {
  const activity = taped('book');
  const entry = (key: string) => ({ activity, key, input: {}, timeout: undefined });

  it('gives what is owed latest first, groups at the place where they began', () => {
    const stack = new UndoStack();
    stack.register(entry('1'));
    const group = stack.openGroup(2);
    stack.register(entry('3'));
    group.register(entry('2a'));
    group.register(entry('2b'));
    const seen = stack.inReverse().map((owed) => (owed.kind === 'undo' ? owed.key : owed.undos.inReverse().length));
    expect(seen).toEqual(['3', 2, '1']);
  });

  it('forgets what is dropped, and groups in which nothing is owed', () => {
    const stack = new UndoStack();
    const owed = stack.register(entry('1'));
    stack.openGroup(2).openGroup(1);
    stack.drop(owed);
    stack.drop(owed);
    expect(stack.inReverse()).toEqual([]);
  });
});

describe('fibers in parallel', () => {
  class Signal implements Handle {
    done = false;
  }

  function* waitFor(signal: Signal, result: string): Fiber<string> {
    while (!signal.done) yield [signal];
    return result;
  }

  it('start in order up to the limit, and the next when one has settled', () => {
    const signals = [new Signal(), new Signal(), new Signal()];
    const started: number[] = [];
    const settled: string[] = [];
    const all = parallel<string>(
      signals.map((signal, n) => () => {
        started.push(n);
        return waitFor(signal, `result ${n}`);
      }),
      { limit: 2, mayStart: () => true, onSettled: (_n, result) => settled.push(result) },
    );
    expect(all.next().value).toEqual([signals[0], signals[1]]);
    signals[1]!.done = true;
    expect(all.next().value).toEqual([signals[0], signals[2]]);
    expect(started).toEqual([0, 1, 2]);
    signals[0]!.done = true;
    signals[2]!.done = true;
    expect(all.next().done).toBe(true);
    expect(settled).toEqual(['result 1', 'result 0', 'result 2']);
  });

  it('wake all when none may start any more, so that each can see why', () => {
    const signal = new Signal();
    let halted = false;
    function* untilHalted(): Fiber<string> {
      while (!halted) yield [new Signal()];
      return 'halted';
    }
    const settled: string[] = [];
    const all = parallel<string>([() => waitFor(signal, 'first'), untilHalted, untilHalted, untilHalted], {
      limit: 3,
      mayStart: () => !halted,
      onSettled: (_n, result) => {
        settled.push(result);
        halted = true;
      },
    });
    all.next();
    signal.done = true;
    expect(all.next().done).toBe(true);
    expect(settled).toEqual(['first', 'halted', 'halted']);
  });
});

describe('a status', () => {
  const base = { saga: 's', version: '1', state: 'running', pivot: 'none' } as const;
  const shown = (n: number, state: StepState): StepStatus => ({
    name: 'book',
    key: `an-instance/book#${n}`,
    state,
    attempts: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
  });

  it('is left as it is where it fits', () => {
    const status: SagaStatus = { ...base, steps: [shown(1, 'done'), shown(2, 'running')] };
    expect(fitStatus(status)).toBe(status);
  });

  it('sums up what ended well, the oldest first, and adds to the sums that there are', () => {
    const steps = Array.from({ length: 100 }, (_, n) => shown(n, n % 10 === 9 ? 'running' : 'done'));
    const status = fitStatus({ ...base, steps, summary: [{ name: 'book', state: 'done', count: 5 }] });
    expect(JSON.stringify(status).length).toBeLessThanOrEqual(STATUS_LIMIT);
    expect(JSON.stringify(status).length).toBeGreaterThan(STATUS_LIMIT - 300);
    expect(status.steps.filter(({ state }) => state === 'running')).toHaveLength(10);
    expect(status.summary).toEqual([{ name: 'book', state: 'done', count: 105 - status.steps.length }]);
    expect(status.steps.at(-1)?.key).toBe('an-instance/book#99');
  });

  it('fits even when nothing ended well', () => {
    const steps = Array.from({ length: 500 }, (_, n) => shown(n, 'retrying'));
    const status = fitStatus({ ...base, steps });
    expect(JSON.stringify(status).length).toBeLessThanOrEqual(STATUS_LIMIT);
    expect(status.summary).toEqual([{ name: 'book', state: 'retrying', count: 500 - status.steps.length }]);
  });
});

describe('progress', () => {
  const counted = ({ steps, summary = [] }: SagaStatus): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { state } of steps) counts[state] = (counts[state] ?? 0) + 1;
    for (const { state, count } of summary) counts[state] = (counts[state] ?? 0) + count;
    return counts;
  };

  it('lists every step of a saga that has few', () => {
    const progress = new Progress('s', '1');
    for (let n = 0; n < 40; n += 1) progress.begin('book', `k${n}`, 0).end('done', 1);
    expect(progress.toJSON().steps).toHaveLength(40);
    expect(progress.toJSON().summary).toBeUndefined();
  });

  it('sums up the oldest steps that ended well when there are many', () => {
    const progress = new Progress('s', '1');
    for (let n = 0; n < 100; n += 1) progress.begin('book', `k${n}`, 0).end('done', 1);
    progress.begin('pay', 'pay', 2);
    const { steps, summary } = progress.toJSON();
    expect(steps.map(({ key }) => key).slice(0, 2)).toEqual(['k61', 'k62']);
    expect(steps.at(-1)).toMatchObject({ key: 'pay', state: 'running' });
    expect(summary).toEqual([{ name: 'book', state: 'done', count: 61 }]);
  });

  it('counts rightly through thousands of steps that run, end and are undone side by side', () => {
    const progress = new Progress('s', '1');
    const records = Array.from({ length: 2_000 }, (_, n) => progress.begin('book', `k${n}`, 0));
    expect(counted(progress.toJSON())).toEqual({ running: 2_000 });
    for (const record of records.slice(0, 1_500)) record.end('done', 1);
    expect(counted(progress.toJSON())).toEqual({ done: 1_500, running: 500 });
    for (const record of records.slice(1_000).reverse()) record.restart('undoing', 2);
    expect(counted(progress.toJSON())).toEqual({ done: 1_000, undoing: 1_000 });
    for (const record of records.slice(1_000)) record.end('undone', 3);
    expect(counted(progress.toJSON())).toEqual({ done: 1_000, undone: 1_000 });
    expect(JSON.stringify(progress).length).toBeLessThanOrEqual(STATUS_LIMIT);
  });

  it('shows a step that fails even where there are many', () => {
    const progress = new Progress('s', '1');
    for (let n = 0; n < 1_000; n += 1) progress.begin('book', `k${n}`, 0).end('done', 1);
    const late = progress.step('k3');
    late.restart('undoing', 2);
    late.fail(failureFromThrown(new Error('no way back')));
    late.become('parked');
    expect(progress.toJSON().steps.at(-1)).toMatchObject({
      key: 'k3',
      state: 'parked',
      error: { message: 'no way back' },
    });
  });

  it('knows its steps only', () => {
    expect(() => new Progress('s', '1').step('k')).toThrow("no step with the key 'k' was begun");
  });
});
