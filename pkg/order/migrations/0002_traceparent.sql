-- The span that accepted the order (W3C traceparent), for recovery to link to; none without tracing, and
-- for orders that code before this migration accepts.
alter table orders add column traceparent text not null default '';
