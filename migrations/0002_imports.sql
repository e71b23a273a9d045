-- Up Migration
-- What is known of imports, one row a file as it was uploaded. Times are written by the app, from its clock.

create table imports (
  id text primary key,
  kind text not null check (kind in ('orders', 'products')),
  path text not null,
  etag text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  -- {code, message}
  problem jsonb
);

create index imports_finished on imports (finished_at);

-- Where each order of a file starts: this is how one is recognised that reappears further down.
create table import_orders (
  import_id text not null references imports (id) on delete cascade,
  row integer not null,
  -- As the file has it; it need not be a valid id.
  order_id text not null,
  accepted boolean not null default false,
  primary key (import_id, row)
);

create index import_orders_by_order on import_orders (import_id, order_id, row);

create table import_rejections (
  import_id text not null references imports (id) on delete cascade,
  row integer not null,
  order_id text,
  reason text not null,
  primary key (import_id, row)
);

-- Sagas that were reported as waiting too long: each is reported once.
create table stuck_notices (
  instance_id text primary key,
  reason text not null,
  noticed_at timestamptz not null,
  -- Rows with the same key are listed in one mail.
  mail_key text not null,
  mailed_at timestamptz
);

create index stuck_notices_unmailed on stuck_notices (mail_key) where mailed_at is null;

-- Down Migration
drop table stuck_notices, import_rejections, import_orders, imports;
