/** One migration: run in the order given, once each; the name is what to remember it by. */
export interface LedgerMigration {
  readonly name: string;
  readonly sql: string;
}

/**
 * The tables of ledger, outbox and starts. What an app has run stays as it is: changes come as further migrations. Values and
 * payloads are JSON texts as they were written.
 */
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
  {
    name: '0002_saga_outbox',
    sql: `
create table saga_outbox (
  id text primary key,
  seq bigint not null generated always as identity,
  topic text not null,
  ordering_key text,
  payload text not null,
  headers text not null,
  state text not null default 'pending' check (state in ('pending', 'sent', 'dead')),
  put_at timestamptz not null,
  next_at timestamptz not null,
  attempts integer not null default 0,
  sent_at timestamptz,
  error text,
  reason text
);
create index saga_outbox_pending on saga_outbox (seq) where state = 'pending';
create index saga_outbox_ordered on saga_outbox (ordering_key, seq) where state = 'pending';
create index saga_outbox_sent on saga_outbox (sent_at) where state = 'sent';
create index saga_outbox_dead on saga_outbox (seq) where state = 'dead';
`,
  },
  {
    name: '0003_saga_starts',
    sql: `
create table saga_starts (
  id text primary key,
  saga text not null,
  version text not null,
  input_hash text not null,
  confirmed boolean not null,
  at timestamptz not null
);
create index saga_starts_at on saga_starts (at);
`,
  },
];
