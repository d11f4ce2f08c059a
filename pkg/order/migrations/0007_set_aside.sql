-- Due time that recovery gave to an order that it could not read or drive. The order is set aside while `next_attempt_at`
-- has the same value: every other way to park or claim an order, also in an older version, sets another value.
alter table orders add column set_aside_until timestamptz;
