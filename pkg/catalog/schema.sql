-- Written from the migrations: do not edit.

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only', tg_table_name;
end
$function$;

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamp with time zone default now() not null
);

create table product_changes (
  id bigint generated always as identity not null,
  sku text collate "C" not null,
  kind text not null,
  revision bigint not null,
  name text not null,
  currency text not null,
  price_minor bigint not null,
  actor text not null,
  reason text not null,
  changed_at timestamp with time zone default clock_timestamp() not null
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

alter table product_changes
  add constraint product_changes_kind_known CHECK ((kind = ANY (ARRAY['CREATE'::text, 'UPDATE'::text, 'DELETE'::text])));

alter table product_changes
  add constraint product_changes_pkey PRIMARY KEY (id);

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

CREATE INDEX product_changes_of_sku ON public.product_changes USING btree (sku, id);

CREATE TRIGGER product_changes_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.product_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
