import type { ClientBase } from 'pg';
import { StoreTooNew } from './store';

/**
 * The store's own schema, version by version. A migration that was released is never changed; what is next is appended.
 * `instances.status` below 10 is unfinished. Times are milliseconds since the Unix epoch, payloads are JSON texts.
 */
function migrations(schema: string): readonly string[] {
  return [
    `
    CREATE TABLE ${schema}.hub (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      epoch bigint NOT NULL,
      batch bigint NOT NULL,
      next_no bigint NOT NULL,
      owner text NOT NULL
    ) WITH (fillfactor = 10);
    INSERT INTO ${schema}.hub (epoch, batch, next_no, owner) VALUES (0, 0, 1, 'nobody');
    CREATE TABLE ${schema}.instances (
      no bigint PRIMARY KEY,
      id text COLLATE "C" NOT NULL UNIQUE,
      name text NOT NULL,
      version text,
      execution_id text NOT NULL,
      parent text,
      status smallint NOT NULL,
      created_at bigint NOT NULL,
      updated_at bigint NOT NULL,
      input text NOT NULL,
      output text,
      custom_status text
    ) WITH (fillfactor = 80);
    CREATE TABLE ${schema}.history (
      no bigint NOT NULL,
      turn integer NOT NULL,
      events text NOT NULL,
      PRIMARY KEY (no, turn)
    );
    CREATE TABLE ${schema}.inbox (
      no bigint NOT NULL,
      seq integer NOT NULL,
      body text NOT NULL,
      PRIMARY KEY (no, seq)
    );
    `,
    `
    CREATE TABLE ${schema}.lease (
      only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
      epoch bigint NOT NULL,
      -- Raised by the owner as long as it is alive.
      beat bigint NOT NULL,
      machine text NOT NULL,
      pid integer NOT NULL,
      url text NOT NULL,
      secret text NOT NULL
    ) WITH (fillfactor = 10);
    INSERT INTO ${schema}.lease (epoch, beat, machine, pid, url, secret) VALUES (-1, 0, '', 0, '', '');
    `,
    `
    -- Of the span that created the instance: traceparent, and tracestate behind a space.
    ALTER TABLE ${schema}.instances ADD COLUMN trace text;
    `,
  ];
}

/** Any fixed number: hosts that start at once on one database migrate one after the other. */
const MIGRATION_LOCK = 7071_2026;

/** Brings the schema up to date. Throws when it is of a version that this host doesn't know. */
export async function migrate(client: ClientBase, schema: string): Promise<void> {
  const steps = migrations(schema);
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(`CREATE TABLE IF NOT EXISTS ${schema}.schema_version (version integer NOT NULL)`);
    const { rows } = await client.query<{ version: number }>(`SELECT version FROM ${schema}.schema_version`);
    const found = rows[0]?.version ?? 0;
    if (found > steps.length) {
      throw new StoreTooNew(
        `The task hub's schema ${schema} has version ${found}; this host knows versions up to ${steps.length}. A later functions-host made it: use that one.`,
      );
    }
    for (const step of steps.slice(found)) await client.query(step);
    if (rows.length === 0) await client.query(`INSERT INTO ${schema}.schema_version VALUES ($1)`, [steps.length]);
    else await client.query(`UPDATE ${schema}.schema_version SET version = $1`, [steps.length]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
