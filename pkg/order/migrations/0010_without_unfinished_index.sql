-- no transaction
-- Searches by driver use `driven_orders`, and searches by state `orders_by_state`. Each new order was also added here.
drop index concurrently if exists unfinished_orders;
