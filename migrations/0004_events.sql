-- Up Migration
-- Orders that come as messages, and what the app's own readers of its events keep. Times are written by the app, from its clock.

alter table orders drop constraint orders_source_check;
alter table orders add constraint orders_source_check check (source in ('http', 'import', 'queue'));

-- Payments of which the provider says later, by an event, whether the money is held.
alter table payments add column is_processing boolean not null default false;

-- How many events of a type there were on a day (UTC), and what they come to in minor units.
create table event_counts (
  day date not null,
  type text not null,
  count bigint not null check (count > 0),
  amount bigint not null,
  primary key (day, type)
);

-- What left the warehouse for good (below zero) and what came back.
create table stock_movements (
  event_id text not null,
  sku text not null,
  quantity integer not null check (quantity <> 0),
  order_id text not null,
  at timestamptz not null,
  primary key (event_id, sku)
);

create index stock_movements_by_sku on stock_movements (sku, at);

-- Down Migration
drop table stock_movements, event_counts;
alter table payments drop column is_processing;
alter table orders drop constraint orders_source_check;
alter table orders add constraint orders_source_check check (source in ('http', 'import'));
