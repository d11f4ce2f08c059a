-- The lines of an order: [{sku, name, quantity, unitPriceMinor}], sorted by SKU. Null for an order that a replica of an
-- earlier version accepts, and for orders before this migration: their lines stay in `order_lines_stored`. A later
-- version copies them and drops this table and the view.
alter table orders
  add column lines jsonb,
  add constraint orders_have_lines check (
    lines is null or (jsonb_typeof(lines) = 'array' and lines <> '[]'
      and not lines @? '$[*] ? (!(@.quantity > 0 && @.unitPriceMinor > 0))')
  ) not valid;

-- Replicas of an earlier version read and insert the lines of all orders with this view.
alter table order_lines rename to order_lines_stored;

create view order_lines as
  select order_id, sku, name, quantity, unit_price_minor from order_lines_stored
  union all
  select o.id, line.sku collate "C", line.name, line.quantity, line."unitPriceMinor"
  from orders o
  cross join jsonb_to_recordset(o.lines) as line (sku text, name text, quantity bigint, "unitPriceMinor" bigint);

create function store_order_line() returns trigger language plpgsql as $$
begin
  insert into order_lines_stored (order_id, sku, name, quantity, unit_price_minor)
  values (new.order_id, new.sku, new.name, new.quantity, new.unit_price_minor);
  return new;
end
$$;

create trigger order_lines_insert instead of insert on order_lines
  for each row execute function store_order_line();
