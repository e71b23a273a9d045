-- Up Migration
-- Returns of orders. Money is in minor units of the shop's one currency. Times are written by the app, from its clock.

create table returns (
  -- <order>.<own part>: no order has an id like it.
  id text primary key,
  order_id text not null references orders (id),
  body_hash text not null,
  status text not null check (
    status in ('accepted', 'running', 'awaitingPickUp', 'parked', 'completed', 'compensated', 'compensationFailed')
  ),
  -- {code, message}
  status_reason jsonb,
  created_at timestamptz not null,
  started_at timestamptz,
  updated_at timestamptz not null
);

create index returns_by_order on returns (order_id, created_at desc, id desc);
-- What the sweeps look for; next to nothing at any time.
create index returns_unstarted on returns (created_at) where status = 'accepted' and started_at is null;
create index returns_unfinished on returns (updated_at) where status in ('accepted', 'running', 'awaitingPickUp', 'parked');

-- What a return asks for, and what became of it.
create table return_lines (
  return_id text not null references returns (id),
  sku text not null,
  quantity integer not null check (quantity > 0),
  reason text,
  -- Null until the return is accepted; then how many were collected, and what is paid back for them.
  accepted integer check (accepted between 0 and quantity),
  refund bigint check (refund >= 0),
  -- The provider's id, once the money is on its way.
  refund_id text unique,
  restocked_at timestamptz,
  primary key (return_id, sku)
);

-- What was bought of a product and how much of it has been taken back: the one place where returns of an order meet.
create table returned_items (
  order_id text not null references orders (id),
  sku text not null,
  bought integer not null check (bought > 0),
  amount bigint not null check (amount >= 0),
  -- Held by returns under way or taken by accepted ones.
  claimed integer not null default 0 constraint claimed_within_bought check (claimed between 0 and bought),
  accepted integer not null default 0 constraint accepted_within_claimed check (accepted between 0 and claimed),
  refunded bigint not null default 0 constraint refunded_within_amount check (refunded between 0 and amount),
  primary key (order_id, sku)
);

create table pick_ups (
  return_id text primary key references returns (id),
  pick_up_id text not null unique,
  tracking text not null,
  state text not null check (state in ('booked', 'collected', 'cancelled')),
  key text not null unique,
  updated_at timestamptz not null
);

-- How much of a payment has been given back.
alter table payments
  add column refunded bigint not null default 0 constraint refunded_within_payment check (refunded between 0 and amount);

-- Down Migration
alter table payments drop column refunded;
drop table pick_ups, returned_items, return_lines, returns;
