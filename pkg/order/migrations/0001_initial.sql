create table instances (
  id uuid primary key,
  heartbeat_at timestamptz not null default now()
);

create table orders (
  id uuid primary key,
  customer_id text not null check (customer_id <> ''),
  request_id text not null check (request_id <> ''),
  fingerprint bytea not null,
  state text not null check (state in ('PENDING', 'CONFIRMED', 'REJECTED', 'CANCELLING', 'CANCELLED')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  total_minor bigint not null check (total_minor > 0),
  rejection jsonb,
  payment_method text not null,
  reservation_id uuid not null,
  payment_id uuid not null,
  refund_id uuid not null,
  revision integer not null check (revision > 0),
  -- `step` is the next step of the saga. `failures` is the number of its attempts that ended in doubt.
  step text not null,
  failures integer not null default 0 check (failures >= 0),
  -- The instance that drives the saga; null when the order is terminal or released.
  driver uuid,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (customer_id, request_id),
  constraint only_unfinished_orders_are_driven check (driver is null or state in ('PENDING', 'CANCELLING')),
  constraint rejected_orders_have_a_reason check (state <> 'REJECTED' or rejection is not null)
);

create index orders_by_customer on orders (customer_id, id desc);
create index orders_by_state on orders (state, id desc);
create index unfinished_orders on orders (driver, id) where state in ('PENDING', 'CANCELLING');

create table order_lines (
  order_id uuid not null references orders (id),
  sku text collate "C" not null,
  name text not null,
  quantity bigint not null check (quantity > 0),
  unit_price_minor bigint not null check (unit_price_minor > 0),
  primary key (order_id, sku)
);

create table order_timeline (
  order_id uuid not null references orders (id),
  revision integer not null check (revision > 0),
  from_state text,
  to_state text not null,
  step text not null,
  outcome text not null check (outcome in ('SUCCEEDED', 'REFUSED', 'IN_DOUBT')),
  attempt integer not null check (attempt > 0),
  occurred_at timestamptz not null,
  trace_id text not null,
  detail text not null,
  primary key (order_id, revision),
  constraint only_the_first_entry_has_no_origin check ((from_state is null) = (revision = 1))
);

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamptz not null default now(),
  primary key (scope, request_id)
);

create index idempotency_keys_oldest on idempotency_keys (created_at);
