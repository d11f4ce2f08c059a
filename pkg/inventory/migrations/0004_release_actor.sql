-- Nullable columns without a default rewrite no row.
alter table reservations
  add column release_actor text,
  add column release_reason text;

-- Not validated: existing rows satisfy the stricter rule that this one replaces.
alter table stock_movements
  drop constraint stock_movements_actor_only_if_adjusted,
  add constraint stock_movements_actor_fits_kind check (actor = '' or kind in ('ADJUST', 'RETURN')) not valid;
