-- An unfinished order without a driver is released when `next_attempt_at` is null: any replica claims it at once. It is
-- parked when `next_attempt_at` is set: any replica claims it when it is due. A blocked order is not claimed until an
-- operator ends the block. Replicas of an older version claim parked orders early and leave `next_attempt_at` as it is.
-- They may also drive a blocked order; they then store it as CANCELLED and leave its block columns set.
alter table orders
  add column next_attempt_at timestamptz,
  add column blocked_reason text,
  add column blocked_since timestamptz,
  add column payment_action jsonb,
  add column refunded_minor bigint not null default 0,
  add constraint blocked_orders_have_a_reason check ((blocked_reason is null) = (blocked_since is null)) not valid,
  add constraint only_cancelling_orders_are_blocked check (blocked_since is null or state in ('CANCELLING', 'CANCELLED')) not valid,
  add constraint refunds_within_total check (refunded_minor between 0 and total_minor) not valid;
