-- Written from the migrations: do not edit.

CREATE OR REPLACE FUNCTION public.insert_open_lines()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
begin
  insert into open_reservation_lines (sku, expires_at, reservation_id, quantity)
  select l.sku, r.expires_at, r.id, l.quantity
  from inserted l join reservations r on r.id = l.reservation_id
  where r.state = 'RESERVED';
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_change_of_movements()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'stock_movements is append-only';
end
$function$;

CREATE OR REPLACE FUNCTION public.update_open_lines()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
AS $function$
begin
  delete from open_reservation_lines o
  using before b join reservation_lines l on l.reservation_id = b.id
  where b.state = 'RESERVED' and o.sku = l.sku and o.expires_at = b.expires_at and o.reservation_id = b.id;

  insert into open_reservation_lines (sku, expires_at, reservation_id, quantity)
  select l.sku, a.expires_at, a.id, l.quantity
  from after a join reservation_lines l on l.reservation_id = a.id
  where a.state = 'RESERVED';
  return null;
end
$function$;

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamp with time zone default now() not null
);

create table open_reservation_lines (
  sku text collate "C" not null,
  expires_at timestamp with time zone not null,
  reservation_id uuid not null,
  quantity bigint not null
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

create table stock_checkpoints (
  sku text collate "C" not null,
  movement_id bigint not null,
  on_hand bigint not null,
  committed bigint not null,
  revision bigint not null
);

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

alter table open_reservation_lines
  add constraint open_reservation_lines_pkey PRIMARY KEY (sku, expires_at, reservation_id);

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

alter table stock_checkpoints
  add constraint stock_checkpoints_pkey PRIMARY KEY (sku);

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

CREATE INDEX idempotency_keys_oldest ON public.idempotency_keys USING btree (created_at);

CREATE INDEX reservations_by_state ON public.reservations USING btree (state);

CREATE INDEX reservations_open ON public.reservations USING btree (expires_at) WHERE (state = 'RESERVED'::text);

CREATE INDEX stock_movements_by_sku ON public.stock_movements USING btree (sku, id);

CREATE TRIGGER reservation_lines_inserted AFTER INSERT ON public.reservation_lines REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION insert_open_lines();

CREATE TRIGGER reservations_updated AFTER UPDATE ON public.reservations REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION update_open_lines();

CREATE TRIGGER stock_movements_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.stock_movements FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_movements();
