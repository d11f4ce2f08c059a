-- Written from the migrations: do not edit.

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception '% is append-only', tg_table_name;
end
$function$;

create table gateway_charges (
  charge_key uuid not null,
  fingerprint bytea,
  method text,
  currency text,
  amount_minor bigint,
  attempts integer default 0 not null,
  outcome text,
  reference text,
  decline_code text,
  decline_advice text,
  captured_minor bigint default 0 not null,
  refunded_minor bigint default 0 not null,
  voided boolean default false not null,
  created_at timestamp with time zone default now() not null,
  key_created_at timestamp with time zone default now() not null,
  expired boolean default false not null,
  action_due_at timestamp(3) with time zone
);

create table gateway_events (
  event_id uuid not null,
  charge_key uuid not null,
  refund_key text,
  outcome text not null,
  due_at timestamp with time zone not null,
  delivered_at timestamp with time zone,
  next_delivery_at timestamp with time zone not null,
  attempts integer default 0 not null
);

create table gateway_inbox (
  event_id uuid not null,
  payment_id uuid not null,
  received_at timestamp with time zone default now() not null
);

create table gateway_ledger (
  id bigint generated always as identity not null,
  charge_key uuid not null,
  kind text not null,
  amount_minor bigint not null,
  created_at timestamp with time zone default now() not null
);

create table gateway_refunds (
  charge_key uuid not null,
  refund_key text not null,
  amount_minor bigint,
  created_at timestamp with time zone default now() not null,
  state text default 'REFUNDED'::text not null
);

create table payment_ledger (
  id bigint generated always as identity not null,
  payment_id uuid not null,
  kind text not null,
  amount_minor bigint not null,
  request_key text not null,
  created_at timestamp with time zone default now() not null,
  actor text,
  reason text
);

create table payments (
  id uuid not null,
  order_id uuid,
  currency text,
  amount_minor bigint,
  fingerprint bytea,
  authorized_minor bigint default 0 not null,
  captured_minor bigint default 0 not null,
  refunded_minor bigint default 0 not null,
  refund_pending_minor bigint default 0 not null,
  state text not null,
  decline_code text,
  decline_advice text,
  gateway_reference text,
  void_retry_at timestamp with time zone,
  released_currency text,
  released_minor bigint,
  created_at timestamp(3) with time zone default now() not null,
  updated_at timestamp(3) with time zone default now() not null,
  intent_retry_at timestamp with time zone,
  requested_at timestamp with time zone,
  attempts integer default 0 not null,
  voided_intent boolean default false not null,
  action_url text,
  action_due_at timestamp(3) with time zone,
  capture_decline_code text,
  capture_decline_advice text,
  externally_refunded_minor bigint default 0 not null,
  expired boolean default false not null
);

create table refunds (
  payment_id uuid not null,
  request_id text not null,
  fingerprint bytea not null,
  state text not null,
  amount_minor bigint,
  refusal text,
  refunded_after_minor bigint,
  retry_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  finished_at timestamp(3) with time zone,
  attempts integer default 0 not null,
  actor text,
  reason text,
  externally_refunded_after_minor bigint default 0 not null,
  declined boolean default false not null,
  cancelled boolean default false not null
);

alter table gateway_charges
  add constraint gateway_charges_amount_minor_check CHECK ((amount_minor > 0));

alter table gateway_charges
  add constraint gateway_charges_amounts_ordered CHECK (((refunded_minor >= 0) AND (refunded_minor <= captured_minor) AND (captured_minor <= COALESCE(amount_minor, (0)::bigint))));

alter table gateway_charges
  add constraint gateway_charges_answer_is_whole CHECK ((((NOT (outcome IS DISTINCT FROM 'APPROVED'::text)) = (reference IS NOT NULL)) AND ((NOT (outcome IS DISTINCT FROM 'DECLINED'::text)) = (decline_code IS NOT NULL)) AND ((decline_code IS NULL) = (decline_advice IS NULL))));

alter table gateway_charges
  add constraint gateway_charges_captured_or_voided CHECK (((captured_minor = 0) OR ((NOT (outcome IS DISTINCT FROM 'APPROVED'::text)) AND (NOT voided))));

alter table gateway_charges
  add constraint gateway_charges_expired_not_captured CHECK (((NOT expired) OR ((outcome = 'APPROVED'::text) AND (captured_minor = 0) AND (NOT voided)))) NOT VALID;

alter table gateway_charges
  add constraint gateway_charges_outcome_check CHECK ((outcome = ANY (ARRAY['APPROVED'::text, 'DECLINED'::text, 'PENDING'::text, 'ACTION_REQUIRED'::text, 'EXPIRED'::text]))) NOT VALID;

alter table gateway_charges
  add constraint gateway_charges_outcome_of_request CHECK (((outcome IS NULL) OR (amount_minor IS NOT NULL)));

alter table gateway_charges
  add constraint gateway_charges_pkey PRIMARY KEY (charge_key);

alter table gateway_charges
  add constraint gateway_charges_request_is_whole CHECK ((num_nulls(fingerprint, method, currency, amount_minor) = ANY (ARRAY[0, 4])));

alter table gateway_events
  add constraint gateway_events_fit_kind CHECK (((refund_key IS NULL) = (outcome = ANY (ARRAY['APPROVED'::text, 'EXPIRED'::text]))));

alter table gateway_events
  add constraint gateway_events_outcome_check CHECK ((outcome = ANY (ARRAY['APPROVED'::text, 'EXPIRED'::text, 'REFUNDED'::text, 'DECLINED'::text])));

alter table gateway_events
  add constraint gateway_events_pkey PRIMARY KEY (event_id);

alter table gateway_inbox
  add constraint gateway_inbox_pkey PRIMARY KEY (event_id);

alter table gateway_ledger
  add constraint gateway_ledger_amount_minor_check CHECK ((amount_minor >= 0));

alter table gateway_ledger
  add constraint gateway_ledger_kind_check CHECK ((kind = ANY (ARRAY['AUTHORIZE'::text, 'CAPTURE'::text, 'VOID'::text, 'REFUND'::text])));

alter table gateway_ledger
  add constraint gateway_ledger_pkey PRIMARY KEY (id);

alter table gateway_refunds
  add constraint gateway_refunds_amount_minor_check CHECK ((amount_minor > 0));

alter table gateway_refunds
  add constraint gateway_refunds_pkey PRIMARY KEY (charge_key, refund_key);

alter table gateway_refunds
  add constraint gateway_refunds_state_check CHECK ((state = ANY (ARRAY['REFUNDED'::text, 'PENDING'::text, 'DECLINED'::text]))) NOT VALID;

alter table payment_ledger
  add constraint payment_ledger_check CHECK (((amount_minor > 0) OR ((kind = ANY (ARRAY['VOID'::text, 'REFUND_CANCEL'::text])) AND (amount_minor = 0)))) NOT VALID;

alter table payment_ledger
  add constraint payment_ledger_kind_check CHECK ((kind = ANY (ARRAY['AUTHORIZE'::text, 'DECLINE'::text, 'EXPIRE'::text, 'CAPTURE'::text, 'CAPTURE_DECLINE'::text, 'VOID'::text, 'REFUND'::text, 'EXTERNAL_REFUND'::text, 'REFUND_CANCEL'::text]))) NOT VALID;

alter table payment_ledger
  add constraint payment_ledger_once UNIQUE (payment_id, kind, request_key);

alter table payment_ledger
  add constraint payment_ledger_pkey PRIMARY KEY (id);

alter table payments
  add constraint payments_action_fits_state CHECK ((((state = 'ACTION_REQUIRED'::text) = (action_url IS NOT NULL)) AND ((action_url IS NULL) = (action_due_at IS NULL)))) NOT VALID;

alter table payments
  add constraint payments_amount_in_range CHECK (((amount_minor >= 1) AND (amount_minor <= '9007199254740991'::bigint)));

alter table payments
  add constraint payments_amounts_fit_state CHECK (
CASE state
    WHEN 'AUTHORIZED'::text THEN ((authorized_minor = amount_minor) AND (captured_minor = 0))
    WHEN 'CAPTURED'::text THEN ((authorized_minor = amount_minor) AND (captured_minor > 0) AND (refunded_minor = 0))
    WHEN 'PARTIALLY_REFUNDED'::text THEN ((authorized_minor = amount_minor) AND (refunded_minor > 0) AND (refunded_minor < captured_minor))
    WHEN 'REFUNDED'::text THEN ((authorized_minor = amount_minor) AND (captured_minor > 0) AND (refunded_minor = captured_minor))
    WHEN 'VOIDED'::text THEN (((authorized_minor = 0) OR (authorized_minor = amount_minor)) AND (captured_minor = 0))
    WHEN 'DECLINED'::text THEN (authorized_minor = 0)
    ELSE true
END);

alter table payments
  add constraint payments_amounts_ordered CHECK (((refunded_minor >= 0) AND (refund_pending_minor >= 0) AND ((refunded_minor + refund_pending_minor) <= captured_minor) AND (captured_minor <= authorized_minor) AND (authorized_minor <= COALESCE(amount_minor, (0)::bigint))));

alter table payments
  add constraint payments_capture_decline_fits_state CHECK ((((capture_decline_code IS NULL) = (capture_decline_advice IS NULL)) AND ((capture_decline_code IS NULL) OR (authorized_minor > 0)))) NOT VALID;

alter table payments
  add constraint payments_decline_fits_state CHECK ((((state = 'DECLINED'::text) = (decline_code IS NOT NULL)) AND ((state = 'DECLINED'::text) = (decline_advice IS NOT NULL)) AND (decline_code = ANY (ARRAY['INSUFFICIENT_FUNDS'::text, 'CARD_EXPIRED'::text, 'SUSPECTED_FRAUD'::text, 'DO_NOT_HONOR'::text, 'INVALID_PAYMENT_METHOD'::text, 'ISSUER_UNAVAILABLE'::text])) AND (decline_advice = ANY (ARRAY['DO_NOT_RETRY'::text, 'RETRY_LATER'::text]))));

alter table payments
  add constraint payments_expired_fits_state CHECK (((NOT expired) OR (state = 'VOIDED'::text))) NOT VALID;

alter table payments
  add constraint payments_expired_were_not_captured CHECK (((state <> 'EXPIRED'::text) OR ((captured_minor = 0) AND ((authorized_minor = 0) OR (authorized_minor = amount_minor))))) NOT VALID;

alter table payments
  add constraint payments_external_refunds_are_refunds CHECK (((externally_refunded_minor >= 0) AND (externally_refunded_minor <= refunded_minor))) NOT VALID;

alter table payments
  add constraint payments_intents_are_looked_up CHECK ((((state = ANY (ARRAY['PENDING'::text, 'ACTION_REQUIRED'::text])) = (intent_retry_at IS NOT NULL)) AND ((intent_retry_at IS NULL) OR (requested_at IS NOT NULL)))) NOT VALID;

alter table payments
  add constraint payments_intents_have_no_money CHECK (((state <> ALL (ARRAY['PENDING'::text, 'ACTION_REQUIRED'::text])) OR (authorized_minor = 0))) NOT VALID;

alter table payments
  add constraint payments_pkey PRIMARY KEY (id);

alter table payments
  add constraint payments_reference_if_authorized CHECK (((authorized_minor > 0) = (gateway_reference IS NOT NULL)));

alter table payments
  add constraint payments_released_fits_state CHECK (((num_nulls(released_currency, released_minor) = 2) OR ((num_nulls(released_currency, released_minor) = 0) AND (released_minor > 0) AND (state = 'VOIDED'::text) AND (authorized_minor = 0) AND (void_retry_at IS NULL))));

alter table payments
  add constraint payments_state_known CHECK ((state = ANY (ARRAY['PENDING'::text, 'ACTION_REQUIRED'::text, 'AUTHORIZED'::text, 'CAPTURED'::text, 'PARTIALLY_REFUNDED'::text, 'REFUNDED'::text, 'VOIDED'::text, 'DECLINED'::text, 'EXPIRED'::text]))) NOT VALID;

alter table payments
  add constraint payments_tombstone_is_bare CHECK (((num_nulls(order_id, currency, amount_minor, fingerprint) = 0) OR ((num_nulls(order_id, currency, amount_minor, fingerprint) = 4) AND (state = 'VOIDED'::text) AND (authorized_minor = 0)) OR ((num_nulls(order_id, fingerprint) = 2) AND (num_nulls(currency, amount_minor) = 0) AND (state = ANY (ARRAY['CAPTURED'::text, 'PARTIALLY_REFUNDED'::text, 'REFUNDED'::text]))))) NOT VALID;

alter table payments
  add constraint payments_void_retry_fits_state CHECK (((void_retry_at IS NULL) OR (state = 'VOIDED'::text)));

alter table payments
  add constraint payments_voided_intent_fits_state CHECK (((NOT voided_intent) OR (state = 'VOIDED'::text))) NOT VALID;

alter table refunds
  add constraint refunds_amount_minor_check CHECK ((amount_minor > 0));

alter table refunds
  add constraint refunds_cancelled_fits_refusal CHECK (((NOT cancelled) OR (NOT (refusal IS DISTINCT FROM 'ILLEGAL_TRANSITION'::text)))) NOT VALID;

alter table refunds
  add constraint refunds_check CHECK ((refunded_after_minor >= amount_minor));

alter table refunds
  add constraint refunds_declined_fits_refusal CHECK (((NOT declined) OR (NOT (refusal IS DISTINCT FROM 'REFUND_EXCEEDS_CAPTURE'::text)))) NOT VALID;

alter table refunds
  add constraint refunds_fit_state CHECK ((((state = 'REFUSED'::text) = (refusal IS NOT NULL)) AND ((state = 'REFUSED'::text) OR (amount_minor IS NOT NULL)) AND ((state = 'SUCCEEDED'::text) = (refunded_after_minor IS NOT NULL)) AND ((state = 'PENDING'::text) = (retry_at IS NOT NULL)) AND ((state = 'PENDING'::text) = (finished_at IS NULL))));

alter table refunds
  add constraint refunds_pkey PRIMARY KEY (payment_id, request_id);

alter table refunds
  add constraint refunds_refusal_check CHECK ((refusal = ANY (ARRAY['PAYMENT_NOT_FOUND'::text, 'ILLEGAL_TRANSITION'::text, 'REFUND_EXCEEDS_CAPTURE'::text, 'REFUND_DECLINED'::text]))) NOT VALID;

alter table refunds
  add constraint refunds_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'SUCCEEDED'::text, 'REFUSED'::text])));

CREATE INDEX gateway_events_delivered ON public.gateway_events USING btree (delivered_at) WHERE (delivered_at IS NOT NULL);

CREATE INDEX gateway_events_due ON public.gateway_events USING btree (next_delivery_at) WHERE (delivered_at IS NULL);

CREATE INDEX gateway_inbox_received ON public.gateway_inbox USING btree (received_at);

CREATE INDEX gateway_ledger_of_charge ON public.gateway_ledger USING btree (charge_key);

CREATE INDEX payments_intent_retry ON public.payments USING btree (intent_retry_at) WHERE (intent_retry_at IS NOT NULL);

CREATE UNIQUE INDEX payments_live_order_with_intents ON public.payments USING btree (order_id) WHERE (state = ANY (ARRAY['PENDING'::text, 'ACTION_REQUIRED'::text, 'AUTHORIZED'::text, 'CAPTURED'::text, 'PARTIALLY_REFUNDED'::text]));

CREATE INDEX payments_newest ON public.payments USING btree (created_at, id);

CREATE INDEX payments_newest_of_order ON public.payments USING btree (order_id, created_at, id);

CREATE INDEX payments_void_retry ON public.payments USING btree (void_retry_at) WHERE (void_retry_at IS NOT NULL);

CREATE INDEX refunds_retry ON public.refunds USING btree (retry_at) WHERE (state = 'PENDING'::text);

CREATE TRIGGER gateway_ledger_append_only BEFORE DELETE OR UPDATE ON public.gateway_ledger FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER payment_ledger_append_only BEFORE DELETE OR UPDATE ON public.payment_ledger FOR EACH ROW EXECUTE FUNCTION refuse_change();
