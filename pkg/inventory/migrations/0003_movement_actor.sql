-- A constant default is stored in the catalog, so that adding the column rewrites no row.
alter table stock_movements add column actor text not null default '';
-- Not validated: every existing row has the default, and new rows are checked.
alter table stock_movements
  add constraint stock_movements_actor_only_if_adjusted check (actor = '' or kind = 'ADJUST') not valid;
