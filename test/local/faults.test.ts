import { createFaults, FaultSettingError } from '../../local/stand-in/faults';

describe('faults on purpose', () => {
  it('hit every Nth request before or after its effect, and before wins when both are due', () => {
    const faults = createFaults({ failBefore: 3, failAfter: 2 });
    expect(Array.from({ length: 6 }, () => faults.next())).toEqual([
      'none',
      'after',
      'before',
      'after',
      'none',
      'before',
    ]);
    expect(faults.report()).toEqual({
      failBefore: 3,
      failAfter: 2,
      stallMs: 0,
      requests: 6,
      failedBefore: 2,
      failedAfter: 2,
    });
  });

  it('are off unless they are asked for', () => {
    const faults = createFaults();
    expect(Array.from({ length: 20 }, () => faults.next()).every((fault) => fault === 'none')).toBe(true);
  });

  it('count from the start again when they are set, and keep what is not named', () => {
    const faults = createFaults({ failBefore: 2 });
    faults.next();
    faults.set({ failAfter: 5 });
    expect(faults.report()).toMatchObject({ failBefore: 2, failAfter: 5, requests: 0 });
    expect([faults.next(), faults.next()]).toEqual(['none', 'before']);
  });

  it.each([
    [{ failBefor: 1 }, /expected some of failBefore, failAfter, stallMs, got "failBefor"/],
    [{ failAfter: -1 }, /failAfter: expected an integer from 0, got -1/],
    [{ failBefore: '7' }, /failBefore: expected an integer from 0, got "7"/],
    [{ stallMs: 1e9 }, /stallMs: expected an integer from 0 of at most 600000, got 1000000000/],
    [[], /expected an object/],
    [null, /expected an object/],
  ])('refuse %j and stay as they were', (change, message) => {
    const faults = createFaults({ failBefore: 4 });
    expect(() => faults.set(change)).toThrow(FaultSettingError);
    expect(() => faults.set(change)).toThrow(message);
    expect(faults.report().failBefore).toBe(4);
  });
});
