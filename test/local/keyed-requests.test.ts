import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createFaults, type Faults } from '../../local/stand-in/faults';
import { openKeyedRequests, toFingerprint, type Keyed, type KeyedRequests } from '../../local/stand-in/keyed-requests';

interface Deposit extends Keyed {
  readonly amount: number;
  readonly balance: number;
}

describe('keyed requests', () => {
  let folder: string;
  let balance: number;
  let faults: Faults;
  let requests: KeyedRequests<Deposit>;

  const open = (): void => {
    balance = 0;
    faults = createFaults();
    requests = openKeyedRequests<Deposit>({
      file: path.join(folder, 'deposits.ndjson'),
      format: 'deposits/1',
      faults,
      apply: (deposit) => void (balance = deposit.balance),
    });
  };
  const deposit = async (
    key: string | undefined,
    amount: number,
    stallMs = 0,
  ): ReturnType<KeyedRequests<Deposit>['run']> =>
    requests.run(
      { key, fingerprint: toFingerprint('POST', '/deposits', [['amount', String(amount)]]) },
      { stallMs, decide: () => ({ amount, balance: balance + amount }) },
    );

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'keyed-'));
    open();
  });
  afterEach(() => {
    requests.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('happen once a key, with the first answer each time', async () => {
    expect(await deposit('a', 10)).toMatchObject({ kind: 'answered', isReplay: false, entry: { balance: 10 } });
    await deposit('b', 5);
    expect(await deposit('a', 10)).toMatchObject({ kind: 'answered', isReplay: true, entry: { balance: 10 } });
    expect(balance).toBe(15);
  });

  it('happen each time without a key', async () => {
    await deposit(undefined, 1);
    await deposit(undefined, 1);
    expect(balance).toBe(2);
  });

  it('remember their keys and effects after a restart', async () => {
    await deposit('a', 10);
    requests.close();
    open();
    expect(balance).toBe(10);
    expect(await deposit('a', 10)).toMatchObject({ isReplay: true, entry: { balance: 10 } });
    expect(await deposit('a', 11)).toEqual({ kind: 'otherRequest' });
    expect(balance).toBe(10);
  });

  it('lose no effect to one another when they stall side by side', async () => {
    await Promise.all(Array.from({ length: 20 }, async (_, n) => deposit(`k${n}`, 1, 1 + (n % 3))));
    expect(balance).toBe(20);
  });

  it('let only one of the same key in at a time', async () => {
    const outcomes = await Promise.all([deposit('a', 1, 20), deposit('a', 1, 20), deposit('a', 1, 20)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['answered', 'inFlight', 'inFlight']);
    expect(balance).toBe(1);
  });

  it('leave the key free when what they ask for makes no sense', async () => {
    const senseless = requests.run(
      { key: 'a', fingerprint: 'x' },
      {
        decide() {
          throw new Error('senseless');
        },
      },
    );
    await expect(senseless).rejects.toThrow('senseless');
    expect(await deposit('a', 3)).toMatchObject({ kind: 'answered', isReplay: false });
  });

  it('that fail on purpose keep their effect only when it came first', async () => {
    faults.set({ failBefore: 1 });
    expect(await deposit('a', 1)).toEqual({ kind: 'failed', when: 'before' });
    expect(balance).toBe(0);
    faults.set({ failBefore: 0, failAfter: 1 });
    expect(await deposit('a', 1)).toEqual({ kind: 'failed', when: 'after' });
    expect(balance).toBe(1);
    faults.set({ failAfter: 0 });
    expect(await deposit('a', 1)).toMatchObject({ isReplay: true, entry: { balance: 1 } });
  });

  it('that stall when everything closes reject and have no effect', async () => {
    const stalled = expect(deposit('a', 1, 60_000)).rejects.toThrow();
    requests.close();
    await stalled;
    open();
    expect(balance).toBe(0);
  });

  it('are the same request whatever the order of the parameters', () => {
    const one = toFingerprint('POST', '/x', [
      ['a', '1'],
      ['b', '2'],
    ]);
    const other = toFingerprint('POST', '/x', [
      ['b', '2'],
      ['a', '1'],
    ]);
    expect(one).toBe(other);
    expect(toFingerprint('POST', '/x', [['a', '1,b=2']])).not.toBe(one);
    expect(toFingerprint('POST', '/y', [])).not.toBe(toFingerprint('POST', '/x', []));
  });
});
