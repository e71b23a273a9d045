/** One migration: run in the order given, once each; the name is what to remember it by. */
export interface LedgerMigration {
  readonly name: string;
  readonly sql: string;
}

/** The ledger's table. Values are JSON texts as they were written. */
export const ledgerMigrations: readonly LedgerMigration[] = [
  {
    name: '0001_saga_ledger',
    sql: `
create table saga_ledger (
  key text primary key,
  state text not null check (state in ('done', 'undone')),
  value text,
  at timestamptz not null
);
create index saga_ledger_at on saga_ledger (at);
`,
  },
];
