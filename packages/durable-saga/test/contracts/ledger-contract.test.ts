import { ledgerContract } from '../../src/contracts';
import type { LedgerUnderTest } from '../../src/contracts';
import { createMemoryLedger, memoryTransaction } from '../../src/memory';
import type { MemoryTransaction } from '../../src/memory';

type UnderTest = LedgerUnderTest<MemoryTransaction>;

async function failing(change: (store: UnderTest) => UnderTest): Promise<string[]> {
  const open = async (clock: () => Date): Promise<UnderTest> => {
    const lines: string[] = [];
    return change({
      ledger: createMemoryLedger({ clock }),
      transaction: memoryTransaction,
      async write(tx, line) {
        lines.push(line);
        tx.onRollback(() => lines.splice(lines.indexOf(line), 1));
      },
      lines: async () => lines,
    });
  };
  const failed: string[] = [];
  for (const { title, run } of ledgerContract(open)) await run().catch(() => failed.push(title));
  return failed;
}

describe('the contract of ledgers', () => {
  it('has nothing against a ledger that is right', async () => {
    expect(await failing((store) => store)).toEqual([]);
  });

  it('notices a ledger that has effects again', async () => {
    const forgetful = ({ ledger, ...store }: UnderTest): UnderTest => ({
      ...store,
      ledger: { ...ledger, once: (_tx, _key, effect) => effect() },
    });
    expect(await failing(forgetful)).toContain(
      'once runs the effect, and gives its value again without running it a second time',
    );
  });

  it('notices a ledger that lets a late attempt happen', async () => {
    const blind = ({ ledger, ...store }: UnderTest): UnderTest => ({
      ...store,
      ledger: { ...ledger, once: (tx, key, effect) => ledger.once(tx, key, effect).catch(() => effect()) },
    });
    expect(await failing(blind)).toContain(
      'keeps the tombstone after an undo of what was done: a late attempt does nothing',
    );
  });

  it('notices a store whose transactions do not take back what was rolled back', async () => {
    const leaky = (store: UnderTest): UnderTest => ({
      ...store,
      async transaction(work) {
        const [settled] = await memoryTransaction(async (tx) => Promise.allSettled([work(tx)]));
        if (settled.status === 'rejected') throw settled.reason;
        return settled.value;
      },
    });
    expect(await failing(leaky)).toContain('once stores nothing when the transaction is rolled back afterwards');
  });
});
