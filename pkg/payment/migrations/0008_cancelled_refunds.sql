-- A refund that an operator cancelled is REFUSED, without an amount if its key was not used before. Replicas of an earlier
-- version know the refusal ILLEGAL_TRANSITION.
alter table refunds
  add column cancelled boolean not null default false,
  add constraint refunds_cancelled_fits_refusal check (
    not cancelled or refusal is not distinct from 'ILLEGAL_TRANSITION'
  ) not valid;

alter table payment_ledger
  drop constraint payment_ledger_kind_check,
  add constraint payment_ledger_kind_check check (
    kind in (
      'AUTHORIZE', 'DECLINE', 'EXPIRE', 'CAPTURE', 'CAPTURE_DECLINE', 'VOID', 'REFUND', 'EXTERNAL_REFUND',
      'REFUND_CANCEL'
    )
  ) not valid,
  drop constraint payment_ledger_check,
  add constraint payment_ledger_check check (
    amount_minor > 0 or (kind in ('VOID', 'REFUND_CANCEL') and amount_minor = 0)
  ) not valid;

-- A table of the simulated gateway. A refund that was cancelled before the gateway received it has no amount.
alter table gateway_refunds alter column amount_minor drop not null;
