import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ledgerMigrations } from 'durable-saga/postgres';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';
import { toClientConfig } from '../src/adapters/postgres-sign-in';
import type { DatabasePlace } from '../src/adapters/postgres-sign-in';
import { readAppRole, readDatabaseConfig } from '../src/config';
import { grantRows, makeRole } from './migrate/app-role';

/**
 * Brings the app's tables up to date: the migrations of `migrations/`, then those of the saga ledger. Running it again
 * changes nothing; two at once wait for each other. It creates tables only, never a database or a user; with
 * APP_DATABASE_ROLE and APP_DATABASE_PRINCIPAL_ID, the name and object id of the identity that the app runs under in Azure,
 * also that identity's role, which may read and write the tables' rows.
 *
 * Settings come from the environment, then from local.settings.json.
 */

const LONGEST_WAIT = 60_000;
/** A token may come from a command line that takes its time. */
const LONGEST_SIGN_IN = 20_000;

/** One migration: the name it is remembered by, and its SQL. */
interface Step {
  readonly name: string;
  readonly sql: string;
}

async function main(): Promise<void> {
  const root = findRoot(__dirname);
  const environment = { ...readLocalSettings(root), ...process.env };
  const appRole = readAppRole(environment);
  const place = readDatabaseConfig(environment);
  const client = await connect(place, LONGEST_WAIT);
  try {
    const applied = [
      ...(await migrate(client, root, 'app_migrations', undefined)),
      ...(await migrate(client, root, 'saga_ledger_migrations', ledgerMigrations)),
    ];
    console.log(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'The tables are up to date.');
    if (appRole) {
      await makeRole((database) => connect({ ...place, url: inDatabase(place.url, database) }, LONGEST_WAIT), appRole);
      await grantRows(client, appRole.name);
      console.log(`${appRole.name} may read and write their rows.`);
    }
  } finally {
    await client.end();
  }
}

/** Runs what `table` doesn't remember yet, each in the same transaction; tells the names. */
async function migrate(client: Client, root: string, table: string, steps: readonly Step[] | undefined) {
  const applied = await runner({
    dbClient: client,
    dir: path.join(root, 'migrations'),
    direction: 'up',
    migrationsTable: table,
    advisoryLockMode: 'wait',
    singleTransaction: true,
    logger: { info: () => {}, warn: console.warn, error: console.error },
    ...(steps && {
      migrationLoaderStrategies: [{ extensions: ['.sql'], loader: () => Promise.resolve(toUnits(steps)) }],
    }),
  });
  return applied.map(({ name }) => name);
}

/** Steps that are no files, in the form in which the migration library takes files. */
function toUnits(steps: readonly Step[]) {
  return steps.map(({ name, sql }) => ({
    id: `${name}.sql`,
    filePaths: [`${name}.sql`],
    actions: { up: (builder: { sql: (text: string) => void }) => builder.sql(sql) },
  }));
}

/** The same server, another database of it. */
function inDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

async function connect(to: DatabasePlace, longest: number): Promise<Client> {
  const { hostname, port } = new URL(to.url);
  const place = `${hostname}:${port || '5432'}`;
  const deadline = performance.now() + longest;
  for (let attempt = 1; ; attempt += 1) {
    const client = new Client({
      ...toClientConfig(to),
      connectionTimeoutMillis: to.identity ? LONGEST_SIGN_IN : 5_000,
    });
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      const reason = error instanceof AggregateError ? String(error.errors[0]) : String(error);
      if (isRefusal(error)) throw new Error(`PostgreSQL at ${place} refuses the login: ${reason}`, { cause: error });
      if (performance.now() > deadline) {
        throw new Error(`PostgreSQL at ${place} (DATABASE_URL) did not answer within ${longest / 1000} s: ${reason}`, {
          cause: error,
        });
      }
      if (attempt === 1) console.log(`Waiting up to ${longest / 1000} s for PostgreSQL at ${place}: ${reason}`);
      await wait(Math.min(100 * attempt, 1_000));
    }
  }
}

/** Wrong password, no such user, no such database: waiting would not help. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['28P01', '28000', '3D000'].includes(String(error.code));
}

/** The folder with `migrations/` in it, above this file wherever it was built to. */
function findRoot(from: string): string {
  if (existsSync(path.join(from, 'migrations'))) return from;
  const parent = path.dirname(from);
  if (parent === from) throw new Error(`expected a folder "migrations" above ${__dirname}, found none`);
  return findRoot(parent);
}

function readLocalSettings(root: string): Record<string, string> {
  const file = path.join(root, 'local.settings.json');
  if (!existsSync(file)) return {};
  const settings = JSON.parse(readFileSync(file, 'utf8')) as { Values?: Record<string, string> };
  return settings.Values ?? {};
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
