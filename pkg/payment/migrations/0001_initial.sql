create table payments (
  id uuid primary key,
  order_id uuid,
  currency text,
  amount_minor bigint,
  fingerprint bytea,
  authorized_minor bigint not null default 0,
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  refund_pending_minor bigint not null default 0,
  state text not null,
  decline_code text,
  decline_advice text,
  gateway_reference text,
  void_retry_at timestamptz,
  released_currency text,
  released_minor bigint,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),

  constraint payments_state_known check (
    state in ('AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED', 'DECLINED')
  ),
  constraint payments_tombstone_is_bare check (
    num_nulls(order_id, currency, amount_minor, fingerprint) = 0
    or (num_nulls(order_id, currency, amount_minor, fingerprint) = 4 and state = 'VOIDED' and authorized_minor = 0)
  ),
  constraint payments_amount_in_range check (amount_minor between 1 and 9007199254740991),
  constraint payments_amounts_ordered check (
    refunded_minor >= 0
    and refund_pending_minor >= 0
    and refunded_minor + refund_pending_minor <= captured_minor
    and captured_minor <= authorized_minor
    and authorized_minor <= coalesce(amount_minor, 0)
  ),
  constraint payments_amounts_fit_state check (
    case state
      when 'AUTHORIZED' then authorized_minor = amount_minor and captured_minor = 0
      when 'CAPTURED' then authorized_minor = amount_minor and captured_minor > 0 and refunded_minor = 0
      when 'PARTIALLY_REFUNDED' then
        authorized_minor = amount_minor and refunded_minor > 0 and refunded_minor < captured_minor
      when 'REFUNDED' then
        authorized_minor = amount_minor and captured_minor > 0 and refunded_minor = captured_minor
      when 'VOIDED' then authorized_minor in (0, amount_minor) and captured_minor = 0
      when 'DECLINED' then authorized_minor = 0
      else true
    end
  ),
  constraint payments_decline_fits_state check (
    (state = 'DECLINED') = (decline_code is not null)
    and (state = 'DECLINED') = (decline_advice is not null)
    and decline_code in (
      'INSUFFICIENT_FUNDS', 'CARD_EXPIRED', 'SUSPECTED_FRAUD', 'DO_NOT_HONOR', 'INVALID_PAYMENT_METHOD',
      'ISSUER_UNAVAILABLE'
    )
    and decline_advice in ('DO_NOT_RETRY', 'RETRY_LATER')
  ),
  constraint payments_reference_if_authorized check ((authorized_minor > 0) = (gateway_reference is not null)),
  constraint payments_void_retry_fits_state check (void_retry_at is null or state = 'VOIDED'),
  -- The amount that the gateway released for a payment that was voided before its approval was recorded.
  constraint payments_released_fits_state check (
    num_nulls(released_currency, released_minor) = 2
    or (
      num_nulls(released_currency, released_minor) = 0
      and released_minor > 0 and state = 'VOIDED' and authorized_minor = 0 and void_retry_at is null
    )
  )
);

-- An order has at most one live payment.
create unique index payments_live_order on payments (order_id)
  where state in ('AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED');
create index payments_newest on payments (created_at, id);
create index payments_newest_of_order on payments (order_id, created_at, id);
create index payments_void_retry on payments (void_retry_at) where void_retry_at is not null;

-- Append-only history of the changes of each payment.
create table payment_ledger (
  id bigint generated always as identity primary key,
  payment_id uuid not null references payments,
  kind text not null check (kind in ('AUTHORIZE', 'DECLINE', 'CAPTURE', 'VOID', 'REFUND')),
  amount_minor bigint not null check (amount_minor > 0 or (kind = 'VOID' and amount_minor = 0)),
  request_key text not null,
  created_at timestamptz not null default now(),
  constraint payment_ledger_once unique (payment_id, kind, request_key)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end
$$;

create trigger payment_ledger_append_only before update or delete on payment_ledger
  for each row execute function refuse_change();

-- A rejected refund is stored, too. Its payment may be unknown, so payment_id does not reference payments.
create table refunds (
  payment_id uuid not null,
  request_id text not null,
  fingerprint bytea not null,
  state text not null check (state in ('PENDING', 'SUCCEEDED', 'REFUSED')),
  amount_minor bigint check (amount_minor > 0),
  refusal text check (refusal in ('PAYMENT_NOT_FOUND', 'ILLEGAL_TRANSITION', 'REFUND_EXCEEDS_CAPTURE')),
  refunded_after_minor bigint check (refunded_after_minor >= amount_minor),
  retry_at timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz(3),
  primary key (payment_id, request_id),
  constraint refunds_fit_state check (
    (state = 'REFUSED') = (refusal is not null)
    and (state = 'REFUSED' or amount_minor is not null)
    and (state = 'SUCCEEDED') = (refunded_after_minor is not null)
    and (state = 'PENDING') = (retry_at is not null)
    and (state = 'PENDING') = (finished_at is null)
  )
);

create index refunds_retry on refunds (retry_at) where state = 'PENDING';

-- Tables of the simulated gateway. No other part of the service reads them.
create table gateway_charges (
  charge_key uuid primary key,
  fingerprint bytea,
  method text,
  currency text,
  amount_minor bigint check (amount_minor > 0),
  attempts integer not null default 0,
  outcome text check (outcome in ('APPROVED', 'DECLINED')),
  reference text,
  decline_code text,
  decline_advice text,
  captured_minor bigint not null default 0,
  refunded_minor bigint not null default 0,
  voided boolean not null default false,
  created_at timestamptz not null default now(),

  constraint gateway_charges_request_is_whole check (num_nulls(fingerprint, method, currency, amount_minor) in (0, 4)),
  constraint gateway_charges_outcome_of_request check (outcome is null or amount_minor is not null),
  constraint gateway_charges_answer_is_whole check (
    (outcome is not distinct from 'APPROVED') = (reference is not null)
    and (outcome is not distinct from 'DECLINED') = (decline_code is not null)
    and (decline_code is null) = (decline_advice is null)
  ),
  constraint gateway_charges_amounts_ordered check (
    refunded_minor >= 0 and refunded_minor <= captured_minor and captured_minor <= coalesce(amount_minor, 0)
  ),
  constraint gateway_charges_captured_or_voided check (
    captured_minor = 0 or (outcome is not distinct from 'APPROVED' and not voided)
  )
);

create table gateway_refunds (
  charge_key uuid not null references gateway_charges,
  refund_key text not null,
  amount_minor bigint not null check (amount_minor > 0),
  created_at timestamptz not null default now(),
  primary key (charge_key, refund_key)
);

create table gateway_ledger (
  id bigint generated always as identity primary key,
  charge_key uuid not null references gateway_charges,
  kind text not null check (kind in ('AUTHORIZE', 'CAPTURE', 'VOID', 'REFUND')),
  amount_minor bigint not null check (amount_minor >= 0),
  created_at timestamptz not null default now()
);

create index gateway_ledger_of_charge on gateway_ledger (charge_key);

create trigger gateway_ledger_append_only before update or delete on gateway_ledger
  for each row execute function refuse_change();
