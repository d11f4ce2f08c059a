-- The update that ends an order finds room on the page of the order: the write-ahead log then has only the changed bytes
-- of the row. Pages that exist are not rewritten.
alter table orders set (fillfactor = 60);
