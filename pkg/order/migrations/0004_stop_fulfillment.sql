-- Reserved for the cancellation of an order whose fulfillment has begun: the order stays CONFIRMED with the step
-- STOP_FULFILLMENT, and a version that knows this step drives it.
alter table orders add constraint only_active_orders_are_driven check (
  driver is null or state in ('PENDING', 'CANCELLING') or (state = 'CONFIRMED' and step = 'STOP_FULFILLMENT')
) not valid;
alter table orders drop constraint only_unfinished_orders_are_driven;
