-- Collation "C" compares SKUs byte by byte, so the database sorts SKUs as the service does.
create table products (
  sku text collate "C" primary key,
  name text not null,
  description text not null,
  currency text not null,
  price_minor bigint not null,
  revision bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- A deleted product keeps its SKU, which existing orders may contain.
  deleted_at timestamptz,

  constraint products_sku_well_formed check (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
  constraint products_name_length check (char_length(name) between 1 and 200),
  constraint products_description_length check (char_length(description) <= 2000),
  constraint products_currency_well_formed check (currency ~ '^[A-Z]{3}$'),
  constraint products_price_in_range check (price_minor between 1 and 9007199254740991),
  constraint products_revision_positive check (revision > 0),
  constraint products_times_ordered check (created_at <= updated_at and created_at <= deleted_at)
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
