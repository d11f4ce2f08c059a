import { sql, type Queryable } from '../../postgres/index.js';
import type { SagaOrder } from '../domain.js';
import { orderColumns, toOrders, type OrderRow, type UnreadableOrder } from '../store.js';

const claimDead = sql(
  'saga.claim_dead',
  `with claimable as (
     select o.id from orders o
     where o.driver = any($instances::uuid[]) and o.blocked_since is null and o.step = any($steps::text[])
     order by o.driver, o.id limit $limit for update of o skip locked
   )
   update orders o set driver = $instance, next_attempt_at = null
   from claimable where o.id = claimable.id returning ${orderColumns}`,
);

const claimReleased = sql(
  'saga.claim_released',
  `with claimable as (
     select o.id from orders o
     where o.driver is null and o.blocked_since is null and o.state in ('PENDING', 'CANCELLING')
       and o.next_attempt_at is null and o.step = any($steps::text[])
     limit $limit for update of o skip locked
   )
   update orders o set driver = $instance from claimable where o.id = claimable.id returning ${orderColumns}`,
);

const claimDue = sql(
  'saga.claim_due',
  `with claimable as (
     select o.id from orders o
     where o.driver is null and o.blocked_since is null and o.state in ('PENDING', 'CANCELLING')
       and o.next_attempt_at <= now() and o.step = any($steps::text[])
     order by o.next_attempt_at limit $limit for update of o skip locked
   )
   update orders o set driver = $instance, next_attempt_at = null
   from claimable where o.id = claimable.id returning ${orderColumns}`,
);

export interface Claim {
  readonly instance: string;
  /** Steps that this version can execute. Orders at other steps are left to other versions. */
  readonly steps: readonly string[];
  /** Maximum number of claimed orders. */
  readonly limit: number;
}

export interface Claimed {
  readonly orders: readonly SagaOrder[];
  /** Claimed orders with a value that this version cannot read. */
  readonly unreadable: readonly UnreadableOrder[];
}

/**
 * Claims unfinished orders of dead instances. Concurrent claims do not overlap. A blocked order has a driver only if an
 * instance of an older version, which does not know blocks, has claimed it.
 */
export async function claimOrdersOf(
  db: Queryable,
  instances: readonly string[],
  claim: Claim,
): Promise<Claimed> {
  return toOrders(await db.query<OrderRow>(claimDead({ ...claim, instances })));
}

/** Claims orders that a stopping instance released, and cancellations that waited for a free slot. */
export async function claimReleasedOrders(db: Queryable, claim: Claim): Promise<Claimed> {
  return toOrders(await db.query<OrderRow>(claimReleased({ ...claim })));
}

/** Claims parked orders whose next attempt is due, the longest due first. */
export async function claimDueOrders(db: Queryable, claim: Claim): Promise<Claimed> {
  return toOrders(await db.query<OrderRow>(claimDue({ ...claim })));
}

const orphans = sql(
  'saga.orphans',
  `select o.id from orders o
   where o.driver = $instance and o.id >= $first and o.step = any($steps::text[]) and o.id <> all ($active::uuid[])
   order by o.id limit $limit`,
);

/**
 * Finds the orders that an instance drives but that have no running saga, for example because the response to a
 * successful commit was lost. `active` contains the orders with a running saga; the search starts at the id `first`.
 */
export async function findOrphans(
  db: Queryable,
  query: Claim & { readonly active: readonly string[]; readonly first: string },
): Promise<string[]> {
  return (await db.query<{ id: string }>(orphans({ ...query }))).map(({ id }) => id);
}

const readDriven = sql(
  'saga.read_driven',
  `select ${orderColumns} from orders o
   where o.id = any($ids::uuid[]) and o.driver = $instance and o.state in ('PENDING', 'CANCELLING')`,
);

/** Reads unfinished orders that an instance drives. */
export async function readDrivenOrders(
  db: Queryable,
  instance: string,
  ids: readonly string[],
): Promise<Claimed> {
  return toOrders(await db.query<OrderRow>(readDriven({ instance, ids })));
}

const asideDue = 'now() + make_interval(secs => least(300, 2 ^ least(failures, 9)))';

const aside = sql(
  'saga.set_aside',
  `update orders set driver = null, failures = failures + 1, next_attempt_at = ${asideDue}, set_aside_until = ${asideDue}
   where id = $id and driver = $instance and state in ('PENDING', 'CANCELLING')`,
);

/** Parks an order that cannot be read or driven. The delay doubles with each failure, to at most five minutes. */
export async function setOrderAside(db: Queryable, id: string, instance: string): Promise<void> {
  await db.query(aside({ id, instance }));
}
