export type { ContractCase, TransactionalStore } from './contract';
export { ledgerContract } from './ledger-contract';
export type { LedgerUnderTest } from './ledger-contract';
