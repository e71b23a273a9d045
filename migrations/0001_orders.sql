-- Up Migration
-- Money is in minor units of the shop's one currency. Times are written by the app, from its clock.

create table products (
  sku text primary key,
  name text not null,
  unit_price bigint not null check (unit_price >= 0),
  stock integer not null constraint stock_not_below_zero check (stock >= 0),
  updated_at timestamptz not null
);

create table orders (
  id text primary key,
  body_hash text not null,
  source text not null check (source in ('http', 'import')),
  customer_id text not null,
  email text,
  payment_method text not null,
  currency text not null,
  -- [{sku, quantity, unitPrice, discount, amount}]
  lines jsonb not null,
  total bigint not null check (total >= 0),
  status text not null check (
    status in ('accepted', 'running', 'awaitingApproval', 'parked', 'completed', 'compensated', 'compensationFailed')
  ),
  -- {code, message}
  status_reason jsonb,
  created_at timestamptz not null,
  started_at timestamptz,
  updated_at timestamptz not null
);

create index orders_newest on orders (created_at desc, id desc);
create index orders_by_status on orders (status, created_at desc, id desc);
create index orders_by_customer on orders (customer_id, created_at desc, id desc);
-- What the sweep looks for; next to nothing at any time.
create index orders_unstarted on orders (created_at) where status = 'accepted' and started_at is null;

-- One row a reservation, by the key of the step that made it: what an undo gives back is what stands here.
create table reservations (
  key text primary key,
  order_id text not null references orders (id),
  sku text not null references products (sku),
  quantity integer not null check (quantity > 0),
  state text not null check (state in ('reserved', 'released')),
  at timestamptz not null
);

create index reservations_by_order on reservations (order_id);

create table payments (
  order_id text primary key references orders (id),
  intent_id text not null,
  amount bigint not null check (amount > 0),
  currency text not null,
  state text not null check (state in ('authorised', 'captured', 'cancelled', 'refunded')),
  key text not null unique,
  updated_at timestamptz not null
);

create table shipments (
  order_id text primary key references orders (id),
  shipment_id text not null unique,
  tracking text not null,
  state text not null check (state in ('booked', 'cancelled')),
  updated_at timestamptz not null
);

-- Down Migration
drop table shipments, payments, reservations, orders, products;
