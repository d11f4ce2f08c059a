-- Replicas of an earlier version cannot read the state EXPIRED, so an expired payment is VOIDED with `expired`.
alter table payments
  add column expired boolean not null default false,
  add constraint payments_expired_fits_state check (not expired or state = 'VOIDED') not valid;
