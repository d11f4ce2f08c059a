create type account_kind as enum ('asset', 'liability');

create table accounts (
  id text primary key,
  kind account_kind not null default 'asset',
  balance bigint not null default 0 check (balance >= 0),
  doubled bigint generated always as (balance * 2) stored,
  note varchar(40)
) with (fillfactor = 90);

create table entries (
  entry_id bigint generated always as identity primary key,
  account_id text not null references accounts,
  amount bigint not null,
  created_at timestamptz not null default now()
);

create unique index accounts_note on accounts (lower(note)) where note is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'entries are never changed';
end
$$;

create trigger entries_are_kept before update or delete on entries
  for each row execute function refuse_change();

create view account_totals as
  select account_id, sum(amount)::bigint as total from entries group by account_id;
