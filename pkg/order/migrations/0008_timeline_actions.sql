-- Replicas of an earlier version cannot read the steps REFUND_ORDER, RETRY_ORDER and RESOLVE_ORDER: an entry of such a step
-- has it as `action`, and a step that they can read as `step`.
alter table order_timeline add column action text;
