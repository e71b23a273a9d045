import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ledgerMigrations } from 'durable-saga/postgres';
import { Client } from 'pg';
import { startPostgres } from '../../../packages/functions-host/src/supervisor/postgres';
import type { RunningPostgres } from '../../../packages/functions-host/src/supervisor/postgres';
import { findNotAdding } from '../../../scripts/deploy/additive-sql';
import { checkMigrations } from '../../../scripts/deploy/check-migrations';
import { runStep, temporaryFolder } from '../../support/deploy-steps';
import { migrate } from '../../support/orders-database';

/** Which migrations are pending, asked of a real PostgreSQL; and whether that one reads SQL as the check does. */

let server: RunningPostgres;
beforeAll(async () => {
  server = await startPostgres({ databases: ['migrated', 'empty', 'reading'] });
  await migrate(server.url('migrated'));
});
afterAll(() => server.stop());

const folder = temporaryFolder();
const own = path.join(__dirname, '../../../migrations');

/** The app's own migrations, and these after them. */
function withMigrations(files: Readonly<Record<string, string>>): string {
  const place = mkdtempSync(folder.file('migrations-'));
  cpSync(own, place, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(place, name), text);
  return place;
}

const check = (migrations: string, database = 'migrated') =>
  runStep(checkMigrations, ['--migrations', migrations], { DATABASE_URL: server.url(database) });

async function query(database: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: server.url(database) });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the check of migrations', () => {
  it('has nothing to say of those that have run', async () => {
    expect(await check(own)).toEqual(['no migration is pending']);
  });

  it('names the pending ones that only add', async () => {
    const pending = withMigrations({
      '8001_note.sql': '-- Up Migration\nalter table orders add column note text;\n',
      '8002_PARCELS.SQL': 'create table parcels (id text);',
    });
    expect(await check(pending)).toEqual(['8001_note, 8002_PARCELS: only add']);
  });

  it('names file, line and reason of all that does more', async () => {
    const pending = withMigrations({
      '8001_a.sql': '-- Up Migration\n\nalter table orders drop column email;\n',
      '8002_b.sql': 'create table parcels (id text); truncate orders;',
    });
    await expect(check(pending)).rejects.toThrow(
      `2 statements of pending migrations would harm the version that runs now:\n` +
        `  ${pending}/8001_a.sql:3: alter table orders drop column email\n    the old version still uses it\n` +
        `  ${pending}/8002_b.sql:1: truncate orders\n    rows of the old version are taken away`,
    );
  });

  it('does not take one for done because the ledger has had one of the same name', async () => {
    const [{ name } = { name: '' }] = ledgerMigrations;
    await expect(check(withMigrations({ [`${name}.sql`]: 'drop table orders;' }))).rejects.toThrow(/drop table orders/);
  });

  it('refuses what it can’t read, which would be run all the same', async () => {
    const pending = withMigrations({ '8001_move.js': 'exports.up = (pgm) => pgm.dropTable("orders");' });
    await expect(check(pending)).rejects.toThrow(
      `${pending}: expected files of SQL, which alone can be checked, got 8001_move.js`,
    );
  });

  it('lets everything run on an empty database', async () => {
    expect(await check(withMigrations({ '8001_a.sql': 'drop table orders;' }), 'empty')).toEqual([
      'the database is empty: no version runs on it, and every migration may run',
    ]);
  });

  it('needs a folder and a database that answers', async () => {
    await expect(check(folder.file('nothing'))).rejects.toThrow(/^expected the folder .*nothing with the migrations/);
    await expect(check(own, 'not-there')).rejects.toThrow(
      /^could not read which migrations 127\.0\.0\.1:\d+\/not-there has had: .*"not-there" does not exist/,
    );
    const away = { DATABASE_URL: 'postgres://postgres@127.0.0.1:1/orders' };
    await expect(runStep(checkMigrations, ['--migrations', own], away)).rejects.toThrow(
      /127\.0\.0\.1:1\/orders has had/,
    );
    await expect(runStep(checkMigrations, [], {})).rejects.toThrow(/DATABASE_URL/);
    await expect(runStep(checkMigrations, ['--folder', own], {})).rejects.toThrow(/--folder/);
  });
});

describe('the check reads as PostgreSQL does', () => {
  // In each of them an orders table is dropped, or only looks as if it was.
  it.each([
    ["select E'\\''; drop table orders; --'"],
    ["select E'a'\n'\\''; drop table orders; --'"],
    ["select '\\'; drop table orders; --'"],
    ["select text '\\\\'; drop table orders; --'"],
    ['select 1 as "it\'s"; drop table orders; select 1 as "it\'s"'],
    ['select 1 as "--"; drop table orders'],
    ['select 1 as "a""b"; drop table orders'],
    ['select 1 as a$$; drop table orders; select 1 as b$$'],
    ["select $é$ ' $é$; drop table orders; --'"],
    ['select $a$ $b$ ; drop table orders; $a$'],
    ['-- a comment\rdrop table orders'],
    ['/* a /* comment */ drop table orders; */ select 1'],
    ["select '/*'; drop table orders; select '*/'"],
    ["select 1 -- '\n; drop table orders; --'"],
    ["select 'it''s; drop table orders'"],
    ['select $$drop table orders;$$'],
    ["select U&'d\\0027'; drop table orders; --'"],
    ['drop/**/table orders'],
    ['DROP\tTABLE\n"orders"'],
    ['select 1-- drop table orders'],
  ])('%j', async (sql) => {
    await query('reading', 'drop table if exists orders; create table orders (id text)');
    await query('reading', sql);
    const [left] = await query('reading', "select to_regclass('orders')::text as found");
    const found = findNotAdding([{ place: 'here', sql }]).map(({ statement }) => statement.toLowerCase());
    expect(found.some((statement) => statement.startsWith('drop'))).toBe(left?.['found'] === null);
  });
});
