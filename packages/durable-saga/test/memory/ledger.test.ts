import { ledgerContract } from '../../src/contracts';
import type { LedgerUnderTest } from '../../src/contracts';
import { createMemoryLedger, LedgerTombstone, memoryTransaction } from '../../src/memory';
import type { MemoryTransaction } from '../../src/memory';
import { deferred } from '../support/deferred';

async function openLedger(clock: () => Date): Promise<LedgerUnderTest<MemoryTransaction>> {
  const lines: string[] = [];
  return {
    ledger: createMemoryLedger({ clock }),
    transaction: memoryTransaction,
    async write(tx, line) {
      lines.push(line);
      tx.onRollback(() => lines.splice(lines.indexOf(line), 1));
    },
    lines: async () => [...lines],
  };
}

describe('the ledger in memory', () => {
  for (const { title, run } of ledgerContract(openLedger)) it(title, run);

  it('throws where two transactions would wait for each other for ever', async () => {
    const ledger = createMemoryLedger({ clock: () => new Date(0) });
    const bothHold = deferred<undefined>();
    let holding = 0;
    const crossed = (first: string, second: string): Promise<string> =>
      memoryTransaction(async (tx) => {
        await ledger.once(tx, first, async () => first);
        holding += 1;
        if (holding === 2) bothHold.resolve(undefined);
        await bothHold.promise;
        return ledger.once(tx, second, async () => `${second} after ${first}`);
      });
    const [one, two] = await Promise.allSettled([crossed('a', 'b'), crossed('b', 'a')]);
    expect(one).toEqual({ status: 'fulfilled', value: 'b after a' });
    expect(two).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('deadlock') } });
  });
});

describe('a tombstone', () => {
  it('is known across the copies of its class that the entries of the package have', () => {
    class LedgerTombstoneOfAnotherCopy extends Error {
      override name = 'LedgerTombstone';
    }
    expect(new LedgerTombstoneOfAnotherCopy()).toBeInstanceOf(LedgerTombstone);
    expect(new LedgerTombstone('k')).toBeInstanceOf(LedgerTombstone);
    expect(new Error('other')).not.toBeInstanceOf(LedgerTombstone);
  });
});
