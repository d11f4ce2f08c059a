import { sql, type Queryable } from '../postgres/index.js';

// Each part reads a partial index, so that the cost does not grow with the number of stored payments.
const countPending = sql(
  'payment.count_pending',
  `with intent as (
     select count(*) filter (where state = 'PENDING') as pending,
       count(*) filter (where state = 'ACTION_REQUIRED') as action_required,
       min(created_at) filter (where state = 'PENDING') as since
     from payments where intent_retry_at is not null
   ), refund as (
     select count(*) as pending, min(created_at) as since from refunds where state = 'PENDING'
   ), void as (
     select count(*) as pending, min(created_at) as since from payments where void_retry_at is not null
   )
   select intent.pending::int as authorizations, intent.action_required::int as "actionRequired",
     refund.pending::int as refunds, void.pending::int as voids,
     coalesce(greatest(extract(epoch from now() - least(intent.since, refund.since, void.since)), 0), 0)::float8
       as "oldestSeconds"
   from intent, refund, void`,
);

/** Number and age of the gateway calls without a definite answer. */
export interface PendingCalls {
  readonly authorizations: number;
  readonly refunds: number;
  readonly voids: number;
  /** Age of the oldest pending authorization, refund or void; 0 if there is none. */
  readonly oldestSeconds: number;
  /** Number of payments that wait for their customer. */
  readonly actionRequired: number;
}

export async function readPendingCalls(db: Queryable): Promise<PendingCalls> {
  const [row] = await db.query<PendingCalls>(countPending());
  if (!row) throw new Error('an aggregate query returned no row');
  return row;
}
