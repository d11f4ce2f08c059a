import { sql, type Queryable } from '../postgres/index.js';
import type { OrderState, SagaStep } from './domain.js';

const byState = sql(
  'orders.count_by_state',
  'select state, count(*)::int as orders from orders group by state',
);

/** Counts orders by state. The result has no entry for a state without orders. */
export function countByState(db: Queryable): Promise<{ state: OrderState; orders: number }[]> {
  return db.query(byState());
}

const unfinished = sql(
  'orders.unfinished_by_step',
  `select step, count(*) filter (where failures > 0)::int as in_doubt,
     greatest(extract(epoch from now() - min(since)), 0)::float8 as oldest_seconds
   from (
     select step, failures, case state when 'PENDING' then created_at else (
       select max(occurred_at) from order_timeline t
       where t.order_id = o.id and t.step = 'REQUEST_CANCELLATION' and t.action is null
     ) end as since
     from orders o where state in ('PENDING', 'CANCELLING') and blocked_since is null and payment_action is null
   ) as unfinished
   group by step`,
);

export interface UnfinishedOrders {
  readonly step: SagaStep;
  /** Number of orders with at least one attempt of the step in doubt. */
  readonly inDoubt: number;
  /** Longest time since a PENDING order, or the cancellation of a CANCELLING order, was accepted. */
  readonly oldestSeconds: number;
}

/**
 * Reads the orders that are not terminal, grouped by current step. Excludes orders that wait for their customer or for an
 * operator.
 */
export async function readUnfinished(db: Queryable): Promise<UnfinishedOrders[]> {
  const rows = await db.query<{ step: SagaStep; in_doubt: number; oldest_seconds: number }>(unfinished());
  return rows.map((row) => ({
    step: row.step,
    inDoubt: row.in_doubt,
    oldestSeconds: row.oldest_seconds,
  }));
}

const parked = sql(
  'orders.parked',
  `select count(*)::int as orders, greatest(extract(epoch from now() - min(next_attempt_at)), 0)::float8 as overdue,
     count(*) filter (where next_attempt_at = set_aside_until)::int as set_aside
   from orders
   where driver is null and blocked_since is null and state in ('PENDING', 'CANCELLING') and next_attempt_at is not null`,
);

export interface ParkedOrders {
  readonly orders: number;
  /** Seconds since the earliest due time; 0 when no order is due. */
  readonly overdue: number;
  /** Number of parked orders that recovery could not read or drive. */
  readonly setAside: number;
}

export async function readParked(db: Queryable): Promise<ParkedOrders> {
  const [row] = await db.query<{ orders: number; overdue: number | null; set_aside: number }>(parked());
  return { orders: row?.orders ?? 0, overdue: row?.overdue ?? 0, setAside: row?.set_aside ?? 0 };
}

const blocked = sql(
  'orders.blocked_by_step',
  `select step, count(*)::int as orders from orders
   where blocked_since is not null and state || '' = 'CANCELLING' group by step`,
);

/** Number of blocked orders by step. Steps without blocked orders are missing. */
export function countBlocked(db: Queryable): Promise<{ step: SagaStep; orders: number }[]> {
  return db.query(blocked());
}

const pendingRefunds = sql(
  'orders.pending_refunds',
  `select count(*)::int as refunds, greatest(extract(epoch from now() - min(created_at)), 0)::float8 as oldest_seconds
   from order_refunds where state = 'PENDING'`,
);

/** Reads the number of pending refunds of RefundOrder, and the age of the oldest; 0 when no refund is pending. */
export async function readPendingRefunds(
  db: Queryable,
): Promise<{ readonly refunds: number; readonly oldestSeconds: number }> {
  const [row] = await db.query<{ refunds: number; oldest_seconds: number | null }>(pendingRefunds());
  return { refunds: row?.refunds ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 };
}
