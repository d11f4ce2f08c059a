import { sql, type Queryable } from '../postgres/index.js';

/** Number of changes of a level after which its checkpoint is moved. */
const checkpointDistance = 1000;

// The movements of one SKU have ascending ids in the sequence of their commits, because each is inserted while its stock
// row is locked. Therefore the movements that a statement sees are a prefix, and any prefix is a correct checkpoint.
const advance = sql(
  'inventory.advance_checkpoints',
  `with due as materialized (
     select s.sku, s.revision, coalesce(c.revision, 0) as revision_before, coalesce(c.movement_id, 0) as movement_id,
       coalesce(c.on_hand, 0) as on_hand, coalesce(c.committed, 0) as committed
     from stock s left join stock_checkpoints c on c.sku = s.sku
     where s.revision - coalesce(c.revision, 0) >= $distance
     order by s.sku limit $limit
   )
   insert into stock_checkpoints (sku, movement_id, on_hand, committed, revision)
   select due.sku, coalesce(later.last, due.movement_id), due.on_hand + coalesce(later.delta, 0),
     due.committed + coalesce(later.committed, 0),
     case when later.count < $movements then due.revision else due.revision_before end
   from due cross join lateral (
     select max(id) as last, sum(delta)::bigint as delta, count(*) as count,
       sum(-delta) filter (where kind in ('COMMIT', 'RETURN'))::bigint as committed
     from (
       select id, delta, kind from stock_movements m where m.sku = due.sku and m.id > due.movement_id
       order by id limit $movements
     ) movement
   ) later
   on conflict (sku) do update set movement_id = excluded.movement_id, on_hand = excluded.on_hand,
     committed = excluded.committed, revision = excluded.revision
   where stock_checkpoints.movement_id < excluded.movement_id
     or (stock_checkpoints.movement_id = excluded.movement_id and stock_checkpoints.revision < excluded.revision)
   returning sku`,
);

/**
 * Moves the checkpoints of up to 20 SKUs whose levels have changed `distance` times since. Each is moved by at most
 * `movements` movements, so that the statement has a limit. Returns false when no checkpoint was due.
 */
export async function advanceCheckpoints(
  db: Queryable,
  { distance = checkpointDistance, movements = 20_000 } = {},
): Promise<boolean> {
  return (await db.query(advance({ distance, movements, limit: 20 }))).length > 0;
}
