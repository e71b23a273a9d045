export { createMemoryLedger } from './ledger';
export { memoryTransaction } from './memory-transaction';
export type { MemoryTransaction } from './memory-transaction';
export { LedgerTombstone } from '../ledger';
export { createMemoryOutbox } from './outbox';
export { createMemoryPayloads } from './payloads';
