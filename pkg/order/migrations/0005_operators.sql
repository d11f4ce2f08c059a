-- The operator that caused a timeline entry; empty for the saga, for customers, and for entries of an older version.
alter table order_timeline add column actor text not null default '';

-- `resolution`: how an operator resolved a blocked step: {step, actor, reason}.
-- `refund_pending_minor`: the sum of the PENDING rows of `order_refunds`.
alter table orders
  add column resolution jsonb,
  add column refund_pending_minor bigint not null default 0,
  add constraint pending_refunds_within_total
    check (refund_pending_minor >= 0 and refunded_minor + refund_pending_minor <= total_minor) not valid;

-- Partial refunds of CONFIRMED orders by operators. The id is the secret idempotency key at the payment service.
create table order_refunds (
  id uuid primary key,
  order_id uuid not null,
  request_id text not null check (request_id <> ''),
  amount_minor bigint not null check (amount_minor > 0),
  actor text not null check (actor <> ''),
  reason text not null check (reason <> ''),
  state text not null check (state in ('PENDING', 'SUCCEEDED', 'REFUSED')),
  refusal text,
  attempts integer not null default 0 check (attempts >= 0),
  -- Time of the next attempt of a PENDING refund.
  next_attempt_at timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (order_id, request_id),
  constraint refused_refunds_have_a_refusal check ((state = 'REFUSED') = (refusal is not null)),
  constraint pending_refunds_are_due check ((state = 'PENDING') = (next_attempt_at is not null)),
  constraint finished_refunds_have_a_time check ((state = 'PENDING') = (finished_at is null))
);

create index pending_order_refunds on order_refunds (next_attempt_at) where state = 'PENDING';
