export { createLedger } from './ledger';
export type { Ledger, LedgerOptions } from './ledger';
export { LedgerTombstone } from '../store/ledger';
export type { LedgerEntry } from '../store/ledger';
export { ledgerMigrations } from './migrations';
export type { LedgerMigration } from './migrations';
export type { Transaction } from './transaction';
export { createOutbox } from './outbox';
export type { Outbox } from './outbox';
export { drainOutbox } from '../store/outbox';
export type {
  DeadMessage,
  DrainOptions,
  OutboxMessage,
  OutboxOptions,
  OutgoingMessage,
  Published,
  Publisher,
  RelayOptions,
  RelayRound,
} from '../store/outbox';
export { createStarts } from './starts';
export type { Starts, StartsOptions } from './starts';
