-- A replica of an earlier version ends when it reads the refusal REFUND_DECLINED, so a refund that the gateway declined
-- has the refusal REFUND_EXCEEDS_CAPTURE with `declined`.
alter table refunds
  add column declined boolean not null default false,
  add constraint refunds_declined_fits_refusal check (
    not declined or refusal is not distinct from 'REFUND_EXCEEDS_CAPTURE'
  ) not valid;
