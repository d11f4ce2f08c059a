import { sql, type Queryable } from '../postgres/index.js';

const owed = sql(
  'payment.count_owed',
  `with refund as (
     select count(*) as payments, min(created_at) as since from refunds where state = 'PENDING'
   ), void as (
     select count(*) as payments, min(created_at) as since from payments where void_retry_at is not null
   )
   select refund.payments::int as refunds, void.payments::int as voids,
     greatest(extract(epoch from now() - least(refund.since, void.since)), 0)::float8 as oldest_seconds
   from refund, void`,
);

/** What the gateway has been asked to do and has not confirmed yet. */
export interface OwedAnswers {
  readonly refunds: number;
  readonly voids: number;
  /** Age of the oldest, seconds. */
  readonly oldestSeconds: number;
}

export async function readOwedAnswers(db: Queryable): Promise<OwedAnswers> {
  const [row] = await db.query<{ refunds: number; voids: number; oldest_seconds: number | null }>(owed);
  return { refunds: row?.refunds ?? 0, voids: row?.voids ?? 0, oldestSeconds: row?.oldest_seconds ?? 0 };
}
