-- no transaction
-- The states of `payments_live_order_with_intents` include the states of this index.
drop index concurrently if exists payments_live_order;
