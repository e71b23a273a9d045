export { createLedger, LedgerTombstone } from './ledger';
export type { Ledger, LedgerEntry, LedgerOptions, Transaction } from './ledger';
export { ledgerMigrations } from './migrations';
export type { LedgerMigration } from './migrations';
