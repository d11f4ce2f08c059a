-- An authorization is stored as PENDING before the gateway is asked. `intent_retry_at` is the time of the next look-up
-- at the gateway; `requested_at` is the time of the last request of a caller.
alter table payments
  add column intent_retry_at timestamptz,
  add column requested_at timestamptz,
  add column attempts integer not null default 0,
  add column voided_intent boolean not null default false,
  add column action_url text,
  add column action_due_at timestamptz(3),
  add column capture_decline_code text,
  add column capture_decline_advice text,
  add column externally_refunded_minor bigint not null default 0,
  drop constraint payments_state_known,
  add constraint payments_state_known check (
    state in (
      'PENDING', 'ACTION_REQUIRED', 'AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'VOIDED', 'DECLINED',
      'EXPIRED'
    )
  ) not valid,
  add constraint payments_intents_have_no_money check (
    state not in ('PENDING', 'ACTION_REQUIRED') or authorized_minor = 0
  ) not valid,
  add constraint payments_intents_are_looked_up check (
    (state in ('PENDING', 'ACTION_REQUIRED')) = (intent_retry_at is not null)
    and (intent_retry_at is null or requested_at is not null)
  ) not valid,
  add constraint payments_expired_were_not_captured check (
    state <> 'EXPIRED' or (captured_minor = 0 and authorized_minor in (0, amount_minor))
  ) not valid,
  add constraint payments_action_fits_state check (
    (state = 'ACTION_REQUIRED') = (action_url is not null)
    and (action_url is null) = (action_due_at is null)
  ) not valid,
  add constraint payments_capture_decline_fits_state check (
    (capture_decline_code is null) = (capture_decline_advice is null)
    and (capture_decline_code is null or state in ('AUTHORIZED', 'VOIDED', 'EXPIRED'))
  ) not valid,
  add constraint payments_external_refunds_are_refunds check (
    externally_refunded_minor between 0 and refunded_minor
  ) not valid,
  add constraint payments_voided_intent_fits_state check (not voided_intent or state = 'VOIDED') not valid;

alter table payment_ledger
  add column actor text,
  add column reason text,
  drop constraint payment_ledger_kind_check,
  add constraint payment_ledger_kind_check check (
    kind in (
      'AUTHORIZE', 'DECLINE', 'EXPIRE', 'CAPTURE', 'CAPTURE_DECLINE', 'VOID', 'REFUND', 'EXTERNAL_REFUND'
    )
  ) not valid;

alter table refunds
  add column attempts integer not null default 0,
  add column actor text,
  add column reason text,
  add column externally_refunded_after_minor bigint not null default 0,
  drop constraint refunds_refusal_check,
  add constraint refunds_refusal_check check (
    refusal in ('PAYMENT_NOT_FOUND', 'ILLEGAL_TRANSITION', 'REFUND_EXCEEDS_CAPTURE', 'REFUND_DECLINED')
  ) not valid;

-- Events of the gateway that took effect. A repeated event finds its id and changes nothing.
create table gateway_inbox (
  event_id uuid primary key,
  payment_id uuid not null,
  received_at timestamptz not null default now()
);

create index gateway_inbox_received on gateway_inbox (received_at);

-- Tables of the simulated gateway.
alter table gateway_charges
  add column key_created_at timestamptz not null default now(),
  add column expired boolean not null default false,
  add column action_due_at timestamptz(3),
  drop constraint gateway_charges_outcome_check,
  add constraint gateway_charges_outcome_check check (
    outcome in ('APPROVED', 'DECLINED', 'PENDING', 'ACTION_REQUIRED', 'EXPIRED')
  ) not valid,
  add constraint gateway_charges_expired_not_captured check (
    not expired or (outcome = 'APPROVED' and captured_minor = 0 and not voided)
  ) not valid;

alter table gateway_refunds
  add column state text not null default 'REFUNDED',
  add constraint gateway_refunds_state_check check (state in ('REFUNDED', 'PENDING', 'DECLINED')) not valid;

-- Answers that the simulated gateway decides at `due_at` and then delivers as events.
create table gateway_events (
  event_id uuid primary key,
  charge_key uuid not null,
  refund_key text,
  outcome text not null check (outcome in ('APPROVED', 'EXPIRED', 'REFUNDED', 'DECLINED')),
  due_at timestamptz not null,
  delivered_at timestamptz,
  next_delivery_at timestamptz not null,
  attempts integer not null default 0,
  constraint gateway_events_fit_kind check ((refund_key is null) = (outcome in ('APPROVED', 'EXPIRED')))
);

create index gateway_events_due on gateway_events (next_delivery_at) where delivered_at is null;
create index gateway_events_delivered on gateway_events (delivered_at) where delivered_at is not null;
