-- Written from the migrations: do not edit.

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamp with time zone default now() not null
);

create table products (
  sku text collate "C" not null,
  name text not null,
  description text not null,
  currency text not null,
  price_minor bigint not null,
  revision bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  deleted_at timestamp with time zone
);

alter table idempotency_keys
  add constraint idempotency_keys_pkey PRIMARY KEY (scope, request_id);

alter table products
  add constraint products_currency_well_formed CHECK ((currency ~ '^[A-Z]{3}$'::text));

alter table products
  add constraint products_description_length CHECK ((char_length(description) <= 2000));

alter table products
  add constraint products_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)));

alter table products
  add constraint products_pkey PRIMARY KEY (sku);

alter table products
  add constraint products_price_in_range CHECK (((price_minor >= 1) AND (price_minor <= '9007199254740991'::bigint)));

alter table products
  add constraint products_revision_positive CHECK ((revision > 0));

alter table products
  add constraint products_sku_well_formed CHECK ((sku ~ '^[A-Za-z0-9._-]{1,64}$'::text));

alter table products
  add constraint products_times_ordered CHECK (((created_at <= updated_at) AND (created_at <= deleted_at)));

CREATE INDEX idempotency_keys_oldest ON public.idempotency_keys USING btree (created_at);
