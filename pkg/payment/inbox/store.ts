import { sql, type Queryable, type Transaction } from '../../postgres/index.js';

const insert = sql(
  'inbox.insert_event',
  `insert into gateway_inbox (event_id, payment_id) values ($eventId, $paymentId)
   on conflict do nothing
   returning event_id`,
);

/** Returns false if the event was received before. */
export async function insertEvent(tx: Transaction, eventId: string, paymentId: string): Promise<boolean> {
  return (await tx.query(insert({ eventId, paymentId }))).length > 0;
}

const prune = sql(
  'inbox.prune',
  `delete from gateway_inbox where event_id in (
     select event_id from gateway_inbox where received_at < now() - make_interval(days => $days::int)
     order by received_at limit $limit for update skip locked
   )
   returning event_id`,
);

/** Deletes up to `limit` events older than `days`, and returns their number. */
export async function pruneInbox(db: Queryable, days: number, limit: number): Promise<number> {
  return (await db.query(prune({ days, limit }))).length;
}
