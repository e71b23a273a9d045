import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findNotAdding } from '../../../scripts/deploy/additive-sql';

/** What a migration may do while the version before it still runs, statement by statement. */

const findIn = (sql: string) => findNotAdding([{ place: 'migrations/0009_next.sql', sql }]);

describe('a migration that only adds', () => {
  it.each([
    'create table parcels (id text primary key, sku text not null references products (sku))',
    'CREATE TABLE IF NOT EXISTS parcels (id text)',
    'create index parcels_by_sku on orders (customer_id)',
    'create index concurrently if not exists by_total on orders (total)',
    'alter table orders add column gift boolean not null default false',
    'alter table orders add note text',
    'alter table orders add column a text, add column price numeric(10, 2) default 0',
    'alter table orders alter column email drop not null',
    "alter table orders alter status set default 'accepted'",
    "insert into products values ('x', 'drop table orders; delete from orders', 1, 1, '2026-01-01')",
    "comment on table orders is 'it''s; drop table orders'",
    'create function f() returns int language plpgsql as $body$ begin drop table orders; end $body$',
    "alter type mood add value 'calm'",
  ])('may: %s', (sql) => {
    expect(findIn(`-- Up Migration\n${sql};\n`)).toEqual([]);
  });

  it('may do anything with a table that it makes itself', () => {
    const sql = `create table parcels (id text); alter table parcels add constraint one unique (id);
      create unique index u on parcels (id); alter table "parcels" rename column id to parcel_id;`;
    expect(findIn(sql)).toEqual([]);
  });

  it('may use a table that an earlier pending one makes', () => {
    const earlier = { place: '1', sql: 'create table parcels (id text);' };
    const later = { place: '2', sql: 'create unique index u on parcels (id);' };
    expect(findNotAdding([earlier, later])).toEqual([]);
    expect(findNotAdding([later])).toMatchObject([{ place: '2' }]);
  });

  it('may take back what it made, in its way down', () => {
    expect(findIn('-- Up Migration\ncreate table parcels (id text);\n-- Down Migration\ndrop table parcels;')).toEqual(
      [],
    );
  });
});

describe('a migration that does more', () => {
  it.each([
    ['drop table orders', 'the old version still uses it'],
    ['drop index orders_newest', 'the old version still uses it'],
    ['alter table orders drop column email', 'the old version still uses it'],
    ['alter table orders add column a text, drop column email', 'the old version still uses it'],
    ['alter table orders rename column email to mail', 'the old version knows it by its old name'],
    ['alter table orders rename to bookings', 'the old version knows it by its old name'],
    ['alter index orders_newest rename to newest', 'the old version knows it by its old name'],
    ['alter table orders alter column total type integer', 'the old version reads and writes the old type'],
    ['alter table orders alter total set data type integer', 'the old version reads and writes the old type'],
    ['alter table orders alter column email set not null', 'the old version may write rows without it'],
    ['alter table orders add column gift boolean not null', 'it needs a default'],
    ['alter table orders add column code text unique', 'no value of its own'],
    ['alter table orders add constraint c check (total > 0)', 'may be refused by the constraint'],
    ['alter table orders add unique (customer_id)', 'may be refused by the constraint'],
    ['alter table orders drop constraint orders_source_check', 'the old version may count on the constraint'],
    ['create unique index u on orders (customer_id)', 'may be refused by it'],
    ['update orders set status = upper(status)', 'rows of the old version are changed'],
    [
      'insert into products select * from p on conflict (sku) do update set stock = 0',
      'rows of the old version are changed',
    ],
    ['delete from orders', 'rows of the old version are taken away'],
    ['truncate orders', 'rows of the old version are taken away'],
    ['do $$ begin perform 1; end $$', 'only what adds is known to be safe'],
    ['create or replace function f() returns int language sql as $$ select 1 $$', 'only what adds is known to be safe'],
    ['alter table orders set schema shop', 'only what adds is known to be safe'],
    ['revoke all on orders from app', 'only what adds is known to be safe'],
  ])('is refused: %s', (sql, why) => {
    const found = { place: 'migrations/0009_next.sql', line: 1, why: expect.stringContaining(why) as unknown };
    expect(findIn(`${sql};`)).toMatchObject([found]);
  });

  it('is named by its line, whatever stands before it', () => {
    const sql = `-- Up Migration\n/* a comment;\n of two lines; drop table x */\ncreate table parcels (\n  id text -- with; one\n);\n\n  drop table\n    orders;\n`;
    expect(findIn(sql)).toMatchObject([{ line: 8, statement: 'drop table orders' }]);
  });
});

it('would have refused 0004, which makes a constraint anew, had a version been running', () => {
  const place = 'migrations/0004_events.sql';
  const sql = readFileSync(path.join(__dirname, '../../..', place), 'utf8');
  expect(findNotAdding([{ place, sql }]).map(({ statement }) => statement.slice(0, 50))).toEqual([
    'alter table orders drop constraint orders_source_c',
    'alter table orders add constraint orders_source_ch',
  ]);
});
