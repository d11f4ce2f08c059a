-- Written from the migrations: do not edit.

CREATE OR REPLACE FUNCTION public.store_order_line()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into order_lines_stored (order_id, sku, name, quantity, unit_price_minor)
  values (new.order_id, new.sku, new.name, new.quantity, new.unit_price_minor);
  return new;
end
$function$;

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamp with time zone default now() not null
);

create table instances (
  id uuid not null,
  heartbeat_at timestamp with time zone default now() not null
);

create table order_lines_stored (
  order_id uuid not null,
  sku text collate "C" not null,
  name text not null,
  quantity bigint not null,
  unit_price_minor bigint not null
);

create table order_refunds (
  id uuid not null,
  order_id uuid not null,
  request_id text not null,
  amount_minor bigint not null,
  actor text not null,
  reason text not null,
  state text not null,
  refusal text,
  attempts integer default 0 not null,
  next_attempt_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  finished_at timestamp with time zone
);

create table order_timeline (
  order_id uuid not null,
  revision integer not null,
  from_state text,
  to_state text not null,
  step text not null,
  outcome text not null,
  attempt integer not null,
  occurred_at timestamp with time zone not null,
  trace_id text not null,
  detail text not null,
  actor text default ''::text not null,
  action text
);

create table orders (
  id uuid not null,
  customer_id text not null,
  request_id text not null,
  fingerprint bytea not null,
  state text not null,
  currency text not null,
  total_minor bigint not null,
  rejection jsonb,
  payment_method text not null,
  reservation_id uuid not null,
  payment_id uuid not null,
  refund_id uuid not null,
  revision integer not null,
  step text not null,
  failures integer default 0 not null,
  driver uuid,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  traceparent text default ''::text not null,
  next_attempt_at timestamp with time zone,
  blocked_reason text,
  blocked_since timestamp with time zone,
  payment_action jsonb,
  refunded_minor bigint default 0 not null,
  resolution jsonb,
  refund_pending_minor bigint default 0 not null,
  set_aside_until timestamp with time zone,
  lines jsonb
) with (fillfactor=60);

alter table idempotency_keys
  add constraint idempotency_keys_pkey PRIMARY KEY (scope, request_id);

alter table instances
  add constraint instances_pkey PRIMARY KEY (id);

alter table order_lines_stored
  add constraint order_lines_pkey PRIMARY KEY (order_id, sku);

alter table order_lines_stored
  add constraint order_lines_quantity_check CHECK ((quantity > 0));

alter table order_lines_stored
  add constraint order_lines_unit_price_minor_check CHECK ((unit_price_minor > 0));

alter table order_refunds
  add constraint finished_refunds_have_a_time CHECK (((state = 'PENDING'::text) = (finished_at IS NULL)));

alter table order_refunds
  add constraint order_refunds_actor_check CHECK ((actor <> ''::text));

alter table order_refunds
  add constraint order_refunds_amount_minor_check CHECK ((amount_minor > 0));

alter table order_refunds
  add constraint order_refunds_attempts_check CHECK ((attempts >= 0));

alter table order_refunds
  add constraint order_refunds_order_id_request_id_key UNIQUE (order_id, request_id);

alter table order_refunds
  add constraint order_refunds_pkey PRIMARY KEY (id);

alter table order_refunds
  add constraint order_refunds_reason_check CHECK ((reason <> ''::text));

alter table order_refunds
  add constraint order_refunds_request_id_check CHECK ((request_id <> ''::text));

alter table order_refunds
  add constraint order_refunds_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'SUCCEEDED'::text, 'REFUSED'::text])));

alter table order_refunds
  add constraint pending_refunds_are_due CHECK (((state = 'PENDING'::text) = (next_attempt_at IS NOT NULL)));

alter table order_refunds
  add constraint refused_refunds_have_a_refusal CHECK (((state = 'REFUSED'::text) = (refusal IS NOT NULL)));

alter table order_timeline
  add constraint only_the_first_entry_has_no_origin CHECK (((from_state IS NULL) = (revision = 1)));

alter table order_timeline
  add constraint order_timeline_attempt_check CHECK ((attempt > 0));

alter table order_timeline
  add constraint order_timeline_outcome_check CHECK ((outcome = ANY (ARRAY['SUCCEEDED'::text, 'REFUSED'::text, 'IN_DOUBT'::text])));

alter table order_timeline
  add constraint order_timeline_pkey PRIMARY KEY (order_id, revision);

alter table order_timeline
  add constraint order_timeline_revision_check CHECK ((revision > 0));

alter table orders
  add constraint blocked_orders_have_a_reason CHECK (((blocked_reason IS NULL) = (blocked_since IS NULL))) NOT VALID;

alter table orders
  add constraint only_active_orders_are_driven CHECK (((driver IS NULL) OR (state = ANY (ARRAY['PENDING'::text, 'CANCELLING'::text])) OR ((state = 'CONFIRMED'::text) AND (step = 'STOP_FULFILLMENT'::text)))) NOT VALID;

alter table orders
  add constraint only_cancelling_orders_are_blocked CHECK (((blocked_since IS NULL) OR (state = ANY (ARRAY['CANCELLING'::text, 'CANCELLED'::text])))) NOT VALID;

alter table orders
  add constraint orders_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text));

alter table orders
  add constraint orders_customer_id_check CHECK ((customer_id <> ''::text));

alter table orders
  add constraint orders_customer_id_request_id_key UNIQUE (customer_id, request_id);

alter table orders
  add constraint orders_failures_check CHECK ((failures >= 0));

alter table orders
  add constraint orders_have_lines CHECK (((lines IS NULL) OR ((jsonb_typeof(lines) = 'array'::text) AND (lines <> '[]'::jsonb) AND (NOT (lines @? '$[*]?(!(@."quantity" > 0 && @."unitPriceMinor" > 0))'::jsonpath))))) NOT VALID;

alter table orders
  add constraint orders_pkey PRIMARY KEY (id);

alter table orders
  add constraint orders_request_id_check CHECK ((request_id <> ''::text));

alter table orders
  add constraint orders_revision_check CHECK ((revision > 0));

alter table orders
  add constraint orders_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'CONFIRMED'::text, 'REJECTED'::text, 'CANCELLING'::text, 'CANCELLED'::text])));

alter table orders
  add constraint orders_total_minor_check CHECK ((total_minor > 0));

alter table orders
  add constraint pending_refunds_within_total CHECK (((refund_pending_minor >= 0) AND ((refunded_minor + refund_pending_minor) <= total_minor))) NOT VALID;

alter table orders
  add constraint refunds_within_total CHECK (((refunded_minor >= 0) AND (refunded_minor <= total_minor))) NOT VALID;

alter table orders
  add constraint rejected_orders_have_a_reason CHECK (((state <> 'REJECTED'::text) OR (rejection IS NOT NULL)));

CREATE INDEX idempotency_keys_oldest ON public.idempotency_keys USING btree (created_at);

CREATE INDEX pending_order_refunds ON public.order_refunds USING btree (next_attempt_at) WHERE (state = 'PENDING'::text);

CREATE INDEX blocked_orders ON public.orders USING btree (id DESC) WHERE (blocked_since IS NOT NULL);

CREATE INDEX claimable_orders ON public.orders USING btree (next_attempt_at) WHERE ((driver IS NULL) AND (blocked_since IS NULL) AND (state = ANY (ARRAY['PENDING'::text, 'CANCELLING'::text])));

CREATE INDEX driven_orders ON public.orders USING btree (driver, id) WHERE (driver IS NOT NULL);

CREATE INDEX orders_by_customer ON public.orders USING btree (customer_id, id DESC);

CREATE INDEX orders_by_state ON public.orders USING btree (state, id DESC);

create view order_lines as
 SELECT order_lines_stored.order_id,
    order_lines_stored.sku,
    order_lines_stored.name,
    order_lines_stored.quantity,
    order_lines_stored.unit_price_minor
   FROM order_lines_stored
UNION ALL
 SELECT o.id AS order_id,
    (line.sku COLLATE "C") AS sku,
    line.name,
    line.quantity,
    line."unitPriceMinor" AS unit_price_minor
   FROM (orders o
     CROSS JOIN LATERAL jsonb_to_recordset(o.lines) line(sku text, name text, quantity bigint, "unitPriceMinor" bigint));

CREATE TRIGGER order_lines_insert INSTEAD OF INSERT ON public.order_lines FOR EACH ROW EXECUTE FUNCTION store_order_line();
