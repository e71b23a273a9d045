export { createLedger } from './ledger';
export type { Ledger, LedgerOptions } from './ledger';
export { LedgerTombstone } from '../ledger';
export type { LedgerEntry } from '../ledger';
export { ledgerMigrations } from './migrations';
export type { LedgerMigration } from './migrations';
export type { Transaction } from './transaction';
