-- Sums of the movements of a SKU up to a movement, so that an audit reads only later movements.
create table stock_checkpoints (
  sku text collate "C" primary key,
  movement_id bigint not null,
  on_hand bigint not null,
  committed bigint not null,
  -- The revision of the stock whose movements are all in the sums, or an earlier one.
  revision bigint not null
);

-- Reservations and their lines are inserted by one statement. The check of each line costs more than it finds.
alter table reservation_lines drop constraint reservation_lines_reservation_id_fkey;
