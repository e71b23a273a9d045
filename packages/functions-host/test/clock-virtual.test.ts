import { createVirtualClock } from '../src/clock-virtual';

describe('a virtual clock', () => {
  it('stands still until it is told to go on', async () => {
    const clock = createVirtualClock(1000);
    const fired: number[] = [];
    clock.schedule(1000, () => fired.push(clock.now()));
    expect([clock.now(), fired]).toEqual([1000, []]);
    await clock.advance(0);
    expect(fired).toEqual([1000]);
  });

  it('stops at each time that something is scheduled for, in order', async () => {
    const clock = createVirtualClock(0);
    const fired: [string, number][] = [];
    const note = (name: string) => (): void => void fired.push([name, clock.now()]);
    clock.schedule(30, note('c'));
    clock.schedule(10, () => {
      note('a')();
      clock.schedule(20, note('b, set by a'));
    });
    clock.schedule(30, note('d'));
    clock.schedule(31, note('not yet'));
    await clock.advance(30);
    expect(fired).toEqual([
      ['a', 10],
      ['b, set by a', 20],
      ['c', 30],
      ['d', 30],
    ]);
    expect(clock.now()).toBe(30);
  });

  it('lets what a callback set off be done before time goes on', async () => {
    const clock = createVirtualClock(0);
    const fired: number[] = [];
    clock.schedule(5, () => void Promise.resolve().then(() => clock.schedule(6, () => fired.push(clock.now()))));
    await clock.advance(100);
    expect(fired).toEqual([6]);
  });

  it('forgets what is cancelled', async () => {
    const clock = createVirtualClock(0);
    const scheduled = clock.schedule(5, () => {
      throw new Error('was cancelled');
    });
    scheduled.cancel();
    scheduled.cancel();
    await clock.advance(10);
    expect(clock.now()).toBe(10);
  });
});
