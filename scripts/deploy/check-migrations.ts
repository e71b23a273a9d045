import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ledgerMigrations } from 'durable-saga/postgres';
import type { Database } from '../../src/adapters/postgres-database';
import { findNotAdding } from './additive-sql';
import type { MigrationText } from './additive-sql';
import { withDatabase } from './database-place';
import type { DeployStep, Environment } from './step';
import { StepFailed } from './step';

const USAGE = `check-migrations [--migrations <folder>]
  --migrations  the folder with the SQL files (default migrations)
DATABASE_URL is taken from the environment. On an empty database there is no old version: everything may run.`;

export const checkMigrations: DeployStep = {
  summary: 'refuses pending migrations that do more than add',
  usage: USAGE,
  async run(args, environment) {
    const { values } = parseArgs({
      args: [...args],
      options: { migrations: { type: 'string', default: 'migrations' } },
    });
    const migrations = await readMigrations(values.migrations);
    const applied = await readApplied(environment);
    if (Object.values(applied).every(({ size }) => size === 0)) {
      console.log('the database is empty: no version runs on it, and every migration may run');
      return;
    }
    const pending = migrations.filter(({ table, name }) => !applied[table].has(name));
    const findings = findNotAdding(pending);
    if (findings.length > 0) {
      const lines = findings.map(({ place, line, statement, why }) => `${place}:${line}: ${statement}\n    ${why}`);
      throw new StepFailed(
        `${findings.length} statement${findings.length === 1 ? '' : 's'} of pending migrations would harm the version ` +
          `that runs now:\n  ${lines.join('\n  ')}`,
      );
    }
    const names = pending.map(({ name }) => name).join(', ');
    console.log(pending.length === 0 ? 'no migration is pending' : `${names}: only add`);
  },
};

/** Where `npm run migrate` keeps what has run: of the app's own migrations, and of the ledger's. */
const TABLES = ['app_migrations', 'saga_ledger_migrations'] as const;
type Table = (typeof TABLES)[number];
type Applied = Readonly<Record<Table, ReadonlySet<string>>>;

interface NamedMigration extends MigrationText {
  readonly table: Table;
  readonly name: string;
}

async function readMigrations(folder: string): Promise<NamedMigration[]> {
  if (!existsSync(folder)) throw new StepFailed(`expected the folder ${folder} with the migrations, found none`);
  const files = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
  // Whatever else lies there would be run as a program.
  const unread = files.filter((name) => path.extname(name).toLowerCase() !== '.sql');
  if (unread.length > 0) {
    throw new StepFailed(`${folder}: expected files of SQL, which alone can be checked, got ${unread.join(', ')}`);
  }
  const own = files.map(async (file): Promise<NamedMigration> => {
    const place = path.posix.join(folder, file);
    return { table: 'app_migrations', name: path.parse(file).name, place, sql: await readFile(place, 'utf8') };
  });
  const ledger = ledgerMigrations.map(({ name, sql }): NamedMigration => {
    return { table: 'saga_ledger_migrations', name, place: `the ledger's ${name}`, sql };
  });
  return [...(await Promise.all(own)), ...ledger];
}

function readApplied(environment: Environment): Promise<Applied> {
  const what = (place: string) => `read which migrations ${place} has had`;
  return withDatabase(environment, what, async (database) => {
    const [app_migrations, saga_ledger_migrations] = await Promise.all(TABLES.map(namesIn(database)));
    return { app_migrations: new Set(app_migrations), saga_ledger_migrations: new Set(saga_ledger_migrations) };
  });
}

const namesIn =
  (database: Database) =>
  async (table: string): Promise<string[]> => {
    const { rows } = await database.query<{ found: string | null }>('select to_regclass($1)::text as found', [table]);
    if (!rows[0]?.found) return [];
    return (await database.query<{ name: string }>(`select name from ${table}`)).rows.map(({ name }) => name);
  };
