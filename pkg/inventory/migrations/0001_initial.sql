-- Collation "C" compares SKUs byte by byte, so the database sorts and locks SKUs in the sequence of the service.
create table stock (
  sku text collate "C" primary key,
  on_hand bigint not null,
  reserved bigint not null,
  revision bigint not null,
  updated_at timestamptz not null,

  constraint stock_sku_well_formed check (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
  constraint stock_never_oversold check (0 <= reserved and reserved <= on_hand),
  constraint stock_revision_not_negative check (revision >= 0)
) with (fillfactor = 50);

create table reservations (
  id uuid primary key,
  state text not null,
  -- Fingerprint of the ReserveStock request; null for a tombstone, which a release of an unknown id inserts.
  fingerprint bytea,
  expires_at timestamptz,
  -- Shortages for which ReserveStock, or CommitReservation of an expired reservation, was rejected permanently.
  shortages jsonb,
  created_at timestamptz not null,
  updated_at timestamptz not null,

  constraint reservations_state_known check (
    state in ('RESERVED', 'COMMITTED', 'RELEASED', 'RETURNED', 'EXPIRED', 'REFUSED')
  ),
  constraint reservations_tombstone_is_released check (fingerprint is not null or state = 'RELEASED'),
  constraint reservations_claims_expire check (
    (expires_at is null) = (fingerprint is null or state = 'REFUSED')
  ),
  constraint reservations_shortages_fit_state check (
    case state
      when 'REFUSED' then shortages is not null
      when 'EXPIRED' then true
      when 'RELEASED' then true
      else shortages is null
    end
  )
) with (fillfactor = 70);

create index reservations_open on reservations (expires_at) where state = 'RESERVED';

create table reservation_lines (
  reservation_id uuid not null references reservations,
  sku text collate "C" not null,
  quantity bigint not null,

  primary key (reservation_id, sku),
  constraint reservation_lines_quantity_in_range check (quantity between 1 and 1000000)
);

create index reservation_lines_of_sku on reservation_lines (sku);

-- One row for every change of stock.on_hand.
create table stock_movements (
  id bigint generated always as identity primary key,
  sku text collate "C" not null,
  delta bigint not null,
  kind text not null,
  reservation_id uuid,
  request_id text,
  reason text not null default '',
  created_at timestamptz not null default now(),

  constraint stock_movements_delta_fits_kind check (
    case kind
      when 'ADJUST' then delta <> 0
      when 'COMMIT' then delta < 0
      when 'RETURN' then delta > 0
      else false
    end
  ),
  constraint stock_movements_name_their_origin check ((kind = 'ADJUST') = (reservation_id is null)),
  constraint stock_movements_request_only_if_adjusted check (request_id is null or kind = 'ADJUST')
);

create index stock_movements_of_sku on stock_movements (sku);

create function refuse_change_of_movements() returns trigger language plpgsql as $$
begin
  raise exception 'stock_movements is append-only';
end
$$;

create trigger stock_movements_append_only before update or delete or truncate on stock_movements
  for each statement execute function refuse_change_of_movements();

create table idempotency_keys (
  scope text not null,
  request_id text not null,
  fingerprint bytea not null,
  response jsonb,
  created_at timestamptz not null default now(),

  primary key (scope, request_id)
);

create index idempotency_keys_oldest on idempotency_keys (created_at);
