-- Written from the migrations: do not edit.

CREATE OR REPLACE FUNCTION public.refuse_change_of_movements()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'stock_movements is append-only';
end
$function$;

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamp with time zone default now() not null
);

create table reservation_lines (
  reservation_id uuid not null,
  sku text collate "C" not null,
  quantity bigint not null
);

create table reservations (
  id uuid not null,
  state text not null,
  fingerprint bytea,
  expires_at timestamp with time zone,
  shortages jsonb,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  release_actor text,
  release_reason text
) with (fillfactor=70);

create table stock (
  sku text collate "C" not null,
  on_hand bigint not null,
  reserved bigint not null,
  revision bigint not null,
  updated_at timestamp with time zone not null
) with (fillfactor=50);

create table stock_movements (
  id bigint generated always as identity not null,
  sku text collate "C" not null,
  delta bigint not null,
  kind text not null,
  reservation_id uuid,
  request_id text,
  reason text default ''::text not null,
  created_at timestamp with time zone default now() not null,
  actor text default ''::text not null
);

alter table idempotency_keys
  add constraint idempotency_keys_pkey PRIMARY KEY (scope, request_id);

alter table reservation_lines
  add constraint reservation_lines_pkey PRIMARY KEY (reservation_id, sku);

alter table reservation_lines
  add constraint reservation_lines_quantity_in_range CHECK (((quantity >= 1) AND (quantity <= 1000000)));

alter table reservations
  add constraint reservations_claims_expire CHECK (((expires_at IS NULL) = ((fingerprint IS NULL) OR (state = 'REFUSED'::text))));

alter table reservations
  add constraint reservations_pkey PRIMARY KEY (id);

alter table reservations
  add constraint reservations_shortages_fit_state CHECK (
CASE state
    WHEN 'REFUSED'::text THEN (shortages IS NOT NULL)
    WHEN 'EXPIRED'::text THEN true
    WHEN 'RELEASED'::text THEN true
    ELSE (shortages IS NULL)
END);

alter table reservations
  add constraint reservations_state_known CHECK ((state = ANY (ARRAY['RESERVED'::text, 'COMMITTED'::text, 'RELEASED'::text, 'RETURNED'::text, 'EXPIRED'::text, 'REFUSED'::text])));

alter table reservations
  add constraint reservations_tombstone_is_released CHECK (((fingerprint IS NOT NULL) OR (state = 'RELEASED'::text)));

alter table stock
  add constraint stock_never_oversold CHECK (((0 <= reserved) AND (reserved <= on_hand)));

alter table stock
  add constraint stock_pkey PRIMARY KEY (sku);

alter table stock
  add constraint stock_revision_not_negative CHECK ((revision >= 0));

alter table stock
  add constraint stock_sku_well_formed CHECK ((sku ~ '^[A-Za-z0-9._-]{1,64}$'::text));

alter table stock_movements
  add constraint stock_movements_actor_fits_kind CHECK (((actor = ''::text) OR (kind = ANY (ARRAY['ADJUST'::text, 'RETURN'::text])))) NOT VALID;

alter table stock_movements
  add constraint stock_movements_delta_fits_kind CHECK (
CASE kind
    WHEN 'ADJUST'::text THEN (delta <> 0)
    WHEN 'COMMIT'::text THEN (delta < 0)
    WHEN 'RETURN'::text THEN (delta > 0)
    ELSE false
END);

alter table stock_movements
  add constraint stock_movements_name_their_origin CHECK (((kind = 'ADJUST'::text) = (reservation_id IS NULL)));

alter table stock_movements
  add constraint stock_movements_pkey PRIMARY KEY (id);

alter table stock_movements
  add constraint stock_movements_request_only_if_adjusted CHECK (((request_id IS NULL) OR (kind = 'ADJUST'::text)));

alter table reservation_lines
  add constraint reservation_lines_reservation_id_fkey FOREIGN KEY (reservation_id) REFERENCES reservations(id);

CREATE INDEX idempotency_keys_oldest ON public.idempotency_keys USING btree (created_at);

CREATE INDEX reservation_lines_of_sku ON public.reservation_lines USING btree (sku);

CREATE INDEX reservations_by_state ON public.reservations USING btree (state);

CREATE INDEX reservations_open ON public.reservations USING btree (expires_at) WHERE (state = 'RESERVED'::text);

CREATE INDEX stock_movements_of_sku ON public.stock_movements USING btree (sku);

CREATE TRIGGER stock_movements_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.stock_movements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_movements();
