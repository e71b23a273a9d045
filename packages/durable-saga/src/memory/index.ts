export { createMemoryLedger } from './ledger';
export { memoryTransaction } from './memory-transaction';
export type { MemoryTransaction } from './memory-transaction';
export { LedgerTombstone } from '../store/ledger';
export { createMemoryOutbox } from './outbox';
export { createMemoryPayloads } from './payloads';
export { createMemoryStarts } from './starts';
