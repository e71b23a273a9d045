export type { ContractCase, TransactionalStore } from './contract';
export { ledgerContract } from './ledger-contract';
export type { LedgerUnderTest } from './ledger-contract';
export { outboxContract } from './outbox-contract';
export type { OutboxUnderTest } from './outbox-contract';
export { startsContract } from './starts-contract';
export type { StartsUnderTest } from './starts-contract';
export { payloadsContract } from './payloads-contract';
export type { PayloadsUnderTest } from './payloads-contract';
