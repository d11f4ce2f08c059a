-- no transaction
-- An order has at most one live payment, and intents are live. The index `payments_live_order` covers fewer states and
-- stays while replicas of an older version write; a later version drops it.
drop index concurrently if exists payments_live_order_with_intents;
create unique index concurrently payments_live_order_with_intents on payments (order_id)
  where state in ('PENDING', 'ACTION_REQUIRED', 'AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED');
drop index concurrently if exists payments_intent_retry;
create index concurrently payments_intent_retry on payments (intent_retry_at) where intent_retry_at is not null;
