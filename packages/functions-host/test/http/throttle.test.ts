import { createThrottle, toThrottle } from '../../src/http/throttle';

describe('a throttle', () => {
  /** Work that ends when it is told to. */
  const start = (throttle: ReturnType<typeof createThrottle>) => {
    let end: () => void = () => undefined;
    let isRunning = false;
    const done = throttle.run(
      () =>
        new Promise<void>((resolve) => {
          isRunning = true;
          end = resolve;
        }),
    );
    return { done, end: () => end(), isRunning: () => isRunning };
  };

  it('runs so many at once, lets so many wait in order, and turns the others away', async () => {
    const throttle = createThrottle(1, 3);
    const [first, second, third, fourth] = [start(throttle), start(throttle), start(throttle), start(throttle)];
    expect(await fourth.done).toBe(false);
    expect([first, second, third].map((work) => work.isRunning())).toEqual([true, false, false]);
    first.end();
    expect(await first.done).toBe(true);
    expect([second.isRunning(), third.isRunning()]).toEqual([true, false]);
    const fifth = start(throttle);
    second.end();
    await second.done;
    third.end();
    await third.done;
    expect(fifth.isRunning()).toBe(true);
    fifth.end();
    expect(await fifth.done).toBe(true);
    expect(start(throttle).isRunning()).toBe(true);
  });

  it('gives the place of work that failed to the next', async () => {
    const throttle = createThrottle(1);
    await expect(throttle.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(start(throttle).isRunning()).toBe(true);
  });

  it('is not there when nothing is limited', () => {
    expect(toThrottle({ maxConcurrentRequests: undefined, maxOutstandingRequests: undefined })).toBeUndefined();
  });
});
