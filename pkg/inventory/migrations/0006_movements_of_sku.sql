-- no transaction
-- The sums after a checkpoint, and a page of the movements of a SKU, read only the rows that they need.
drop index concurrently if exists stock_movements_by_sku;
create index concurrently stock_movements_by_sku on stock_movements (sku, id);
drop index concurrently if exists stock_movements_of_sku;
-- The open lines replace this index.
drop index concurrently if exists reservation_lines_of_sku;
