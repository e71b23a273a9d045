import assert from 'node:assert/strict';
import type { PayloadStore } from '../store/claim-check';
import type { ContractCase } from './contract';
import { casesOver } from './contract';

/** A store of payloads to check. */
export interface PayloadsUnderTest {
  readonly store: PayloadStore;
  /** Called at the end of the case. */
  close?(): Promise<void>;
}

const KEY = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

/** What any store of payloads must do: `for (const { title, run } of payloadsContract(open)) it(title, run);` */
export function payloadsContract(open: () => Promise<PayloadsUnderTest>): readonly ContractCase[] {
  const { cases, it } = casesOver(open);

  it('gives what was put, to the letter', async ({ store }) => {
    for (const text of ['', '""', '{"a":"ü 😀 \\u0000 \u2028"}', `"${'large '.repeat(500_000)}"`]) {
      await store.put(KEY, text);
      assert.equal(await store.get(KEY), text);
    }
  });

  it('gives undefined for what was never put', async ({ store }) => {
    await store.put(KEY, 'here');
    assert.equal(await store.get(OTHER), undefined);
  });

  it('takes the same again, also at the same moment', async ({ store }) => {
    await Promise.all([1, 2, 3].map(() => store.put(KEY, 'same')));
    await store.put(KEY, 'same');
    assert.equal(await store.get(KEY), 'same');
  });
  return cases;
}
