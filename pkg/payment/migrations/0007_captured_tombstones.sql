-- The gateway may turn out to have captured a charge with the id of a tombstone. The request of that charge is unknown.
alter table payments
  drop constraint payments_tombstone_is_bare,
  add constraint payments_tombstone_is_bare check (
    num_nulls(order_id, currency, amount_minor, fingerprint) = 0
    or (num_nulls(order_id, currency, amount_minor, fingerprint) = 4 and state = 'VOIDED' and authorized_minor = 0)
    or (
      num_nulls(order_id, fingerprint) = 2 and num_nulls(currency, amount_minor) = 0
      and state in ('CAPTURED', 'PARTIALLY_REFUNDED', 'REFUNDED')
    )
  ) not valid;
