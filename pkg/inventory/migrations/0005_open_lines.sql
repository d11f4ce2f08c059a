-- The lines of RESERVED reservations: what a SKU costs depends on its open lines, and not on all reservations.
-- Triggers fill the table, because replicas of the version before also change reservations.
create table open_reservation_lines (
  sku text collate "C" not null,
  expires_at timestamptz not null,
  reservation_id uuid not null,
  quantity bigint not null,

  primary key (sku, expires_at, reservation_id)
);

-- A plan is made when the tables are small, and remains in use while they grow.
create function insert_open_lines() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  insert into open_reservation_lines (sku, expires_at, reservation_id, quantity)
  select l.sku, r.expires_at, r.id, l.quantity
  from inserted l join reservations r on r.id = l.reservation_id
  where r.state = 'RESERVED';
  return null;
end
$$;

create function update_open_lines() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  delete from open_reservation_lines o
  using before b join reservation_lines l on l.reservation_id = b.id
  where b.state = 'RESERVED' and o.sku = l.sku and o.expires_at = b.expires_at and o.reservation_id = b.id;

  insert into open_reservation_lines (sku, expires_at, reservation_id, quantity)
  select l.sku, a.expires_at, a.id, l.quantity
  from after a join reservation_lines l on l.reservation_id = a.id
  where a.state = 'RESERVED';
  return null;
end
$$;

-- No reservation changes between the copy and the triggers.
lock table reservations, reservation_lines in share row exclusive mode;

insert into open_reservation_lines (sku, expires_at, reservation_id, quantity)
select l.sku, r.expires_at, r.id, l.quantity
from reservations r join reservation_lines l on l.reservation_id = r.id
where r.state = 'RESERVED';

create trigger reservation_lines_inserted after insert on reservation_lines
  referencing new table as inserted for each statement execute function insert_open_lines();

create trigger reservations_updated after update on reservations
  referencing old table as before new table as after for each statement execute function update_open_lines();
