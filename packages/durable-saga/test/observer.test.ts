import { z } from 'zod';
import { activity, saga, StepFailure } from '../src';
import type { AttemptEnd, ObservedAttempt, SagaObserver } from '../src';
import { createSagaHost } from '../src/testing';

const input = z.object({});

interface Ports {
  readonly calls: string[];
}

const hold = activity({
  name: 'hold',
  input,
  run:
    ({ calls }: Ports) =>
    async (_input, step) => {
      calls.push(step.key);
      step.log('held', 2);
    },
  undo:
    ({ calls }: Ports) =>
    async (_done, step) => {
      calls.push(`undo ${step.key}`);
    },
});
const pay = activity({
  name: 'pay',
  input,
  retry: { attempts: 2, first: '1 second' },
  run: () => async (_input, step) => {
    if (step.attempt === 1) throw new Error('the line was busy');
    throw new StepFailure({ code: 'declined', message: 'no', effect: 'none' });
  },
});
const buy = saga({ name: 'buy', version: '3', input }, function* (saga) {
  yield* saga.step(hold, {});
  yield* saga.step(pay, {});
});

async function buyWith(observer: SagaObserver | undefined) {
  const calls: string[] = [];
  const host = createSagaHost({ sagas: [buy], activities: [hold, pay], ports: { calls }, observer });
  await host.start(buy, {}, { id: 'b1' });
  return { calls, outcome: await host.result(buy, 'b1'), logs: host.durable.logs.map(({ text }) => text) };
}

describe('an observer of sagas', () => {
  it('is told of every attempt, its undos among them, with saga, step and end, once although turns are replayed', async () => {
    const seen: (Omit<ObservedAttempt, 'invocation' | 'instanceId' | 'causes'> & { end: string })[] = [];
    const { calls } = await buyWith({
      async attempt({ invocation: _, causes: __, instanceId, ...attempt }, run) {
        expect(instanceId).toBe('b1');
        const end = await run();
        seen.push({ ...attempt, end: end.ok ? 'ok' : end.failure.code });
      },
    });
    const of = { saga: 'buy', version: '3' };
    expect(seen).toEqual([
      { ...of, activity: 'hold', undo: false, key: 'b1/hold#1', attempt: 1, end: 'ok' },
      { ...of, activity: 'pay', undo: false, key: 'b1/pay#1', attempt: 1, end: 'error' },
      { ...of, activity: 'pay', undo: false, key: 'b1/pay#1', attempt: 2, end: 'declined' },
      { ...of, activity: 'hold', undo: true, key: 'b1/hold#1', attempt: 1, end: 'ok' },
    ]);
    expect(calls).toEqual(['b1/hold#1', 'undo b1/hold#1']);
  });

  it.each<[string, SagaObserver['attempt']]>([
    [
      'throws before the attempt',
      () => {
        throw new Error('no exporter');
      },
    ],
    [
      'fails after the attempt',
      async (_attempt, run) => {
        await run();
        throw new Error('no exporter');
      },
    ],
    [
      'runs it twice',
      async (_attempt, run) => {
        await Promise.all<AttemptEnd>([run(), run()]);
      },
    ],
    ['never runs it', async () => undefined],
  ])('changes nothing for the saga when it %s', async (_how, attempt) => {
    const unobserved = await buyWith(undefined);
    const observed = await buyWith({ attempt });
    expect(observed).toMatchObject({ calls: unobserved.calls, outcome: unobserved.outcome });
  });

  it('has its failures logged', async () => {
    const { logs } = await buyWith({ attempt: () => Promise.reject(new Error('no exporter')) });
    expect(logs).toContainEqual(expect.stringMatching(/observer of sagas failed at 'b1\/hold#1'.*no exporter/));
  });

  it('has calls stamped with the saga, and nobody else has', async () => {
    const silent: SagaObserver = {
      async attempt(_attempt, run) {
        await run();
      },
    };
    expect((await buyWith(silent)).logs).toContain('held 2 [saga=buy step=b1/hold#1 attempt=1]');
    expect((await buyWith(undefined)).logs).toContain('held 2 [step=b1/hold#1 attempt=1]');
  });
});
