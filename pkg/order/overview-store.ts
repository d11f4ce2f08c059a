import { sql, type Queryable } from '../postgres/index.js';
import type { OrderState, SagaStep } from './domain.js';

const byState = sql(
  'orders.count_by_state',
  'select state, count(*)::int as orders from orders group by state',
);

/** How many orders there are in each state that has any. */
export function countByState(db: Queryable): Promise<{ state: OrderState; orders: number }[]> {
  return db.query(byState);
}

const unfinished = sql(
  'orders.unfinished_by_step',
  `select step, count(*) filter (where failures > 0)::int as in_doubt,
     greatest(extract(epoch from now() - min(since)), 0)::float8 as oldest_seconds
   from (
     select step, failures, case state when 'PENDING' then created_at else (
       select max(occurred_at) from order_timeline t where t.order_id = o.id and t.step = 'REQUEST_CANCELLATION'
     ) end as since
     from orders o where state in ('PENDING', 'CANCELLING')
   ) as unfinished
   group by step`,
);

export interface UnfinishedOrders {
  readonly step: SagaStep;
  /** Those whose attempts at the step have failed so far. */
  readonly inDoubt: number;
  /** Age of the oldest, seconds: since it was accepted, or since its cancellation was. */
  readonly oldestSeconds: number;
}

/** The orders that have not come to rest, by the step that they are at. */
export async function readUnfinished(db: Queryable): Promise<UnfinishedOrders[]> {
  const rows = await db.query<{ step: SagaStep; in_doubt: number; oldest_seconds: number }>(unfinished);
  return rows.map((row) => ({
    step: row.step,
    inDoubt: row.in_doubt,
    oldestSeconds: row.oldest_seconds,
  }));
}
