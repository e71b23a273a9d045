import { outboxContract } from '../../src/contracts';
import { createMemoryOutbox, memoryTransaction } from '../../src/memory';

describe('the outbox in memory', () => {
  const cases = outboxContract(async (options) => ({
    outbox: createMemoryOutbox(options),
    transaction: memoryTransaction,
  }));
  for (const { title, run } of cases) it(title, run);
});
