import { z } from 'zod';
import { activity } from '../src';
import type { StepContext } from '../src';

describe('the signal of an attempt', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const seam = { client: undefined, log: () => undefined, warn: () => undefined };
  const call = { $step: { key: 'i/work#1', instanceId: 'i', attempt: 1 }, input: {} };

  /** Starts an attempt that goes on until it is let go. */
  const begin = (timeout = 1_000) => {
    let step: StepContext | undefined;
    let end = (): void => undefined;
    const work = activity({
      name: 'work',
      input: z.object({}),
      run: () => (_input, context) => {
        step = context;
        return new Promise<undefined>((resolve) => (end = () => resolve(undefined)));
      },
    });
    const reply = work.bind({}).run({ ...call, $step: { ...call.$step, timeout } }, seam);
    if (step === undefined) throw new Error('expected the attempt to have begun');
    return { step, finish: () => (end(), reply) };
  };

  it('aborts when its time has passed', async () => {
    const { step, finish } = begin();
    const { signal } = step;
    jest.advanceTimersByTime(999);
    expect(signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
    await finish();
  });

  it('has aborted when it is asked for late', async () => {
    const { step, finish } = begin();
    jest.advanceTimersByTime(1_000);
    expect(step.signal.aborted).toBe(true);
    expect(step.signal).toBe(step.signal);
    await finish();
  });

  it('does not abort at once where its time is longer than a process can wait', async () => {
    const { step, finish } = begin(30 * 86_400_000);
    const { signal } = step;
    jest.advanceTimersByTime(86_400_000);
    expect(signal.aborted).toBe(false);
    await finish();
  });

  it('leaves no timer behind', async () => {
    const { step, finish } = begin();
    expect(await finish()).toMatchObject({ ok: true });
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(5_000);
    expect(step.signal.aborted).toBe(false);
  });
});
