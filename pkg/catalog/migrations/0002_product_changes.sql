-- What operators changed, and why. The version before writes no rows.
create table product_changes (
  id bigint generated always as identity primary key,
  sku text collate "C" not null,
  kind text not null constraint product_changes_kind_known check (kind in ('CREATE', 'UPDATE', 'DELETE')),
  revision bigint not null,
  name text not null,
  currency text not null,
  price_minor bigint not null,
  actor text not null,
  reason text not null,
  changed_at timestamptz not null default clock_timestamp()
);

create index product_changes_of_sku on product_changes (sku, id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name;
end
$$;

create trigger product_changes_append_only before update or delete or truncate on product_changes
  for each statement execute function refuse_change();
