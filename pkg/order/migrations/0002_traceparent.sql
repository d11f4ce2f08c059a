-- W3C traceparent of the span that accepted the order. Recovery spans link to that span. The text is empty when tracing
-- is off, and for orders that an older version of the service accepts.
alter table orders add column traceparent text not null default '';
