import { sql, type Queryable } from '../../postgres/index.js';
import { adviceOf } from './test-methods.js';
import type { GatewayEvent } from './gateway.js';

/** A later answer that the simulated gateway has scheduled. */
export interface DueEvent {
  readonly eventId: string;
  readonly key: string;
  /** Null for an event of an authorization. */
  readonly refundKey: string | null;
  readonly outcome: 'APPROVED' | 'EXPIRED' | 'REFUNDED' | 'DECLINED';
}

const claim = sql(
  'gateway.claim_events',
  `update gateway_events set attempts = attempts + 1,
     next_delivery_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   where event_id in (
     select event_id from gateway_events where delivered_at is null and next_delivery_at <= now()
     order by next_delivery_at limit $limit for update skip locked
   )
   returning event_id as "eventId", charge_key as key, refund_key as "refundKey", outcome`,
);

/** Claims events that are due; no replica claims them again within `leaseMs`. */
export function claimDueEvents(db: Queryable, leaseMs: number, limit: number): Promise<DueEvent[]> {
  return db.query<DueEvent>(claim({ leaseMs, limit }));
}

const decideAuthorization = sql(
  'gateway.decide_later',
  `with changed as (
     update gateway_charges set outcome = $outcome,
       reference = case when $outcome = 'APPROVED' then $reference end, action_due_at = null
     where charge_key = $key and outcome in ('PENDING', 'ACTION_REQUIRED') and not voided
     returning charge_key, outcome, amount_minor
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor)
     select charge_key, 'AUTHORIZE', amount_minor from changed where outcome = 'APPROVED'
   )
   select charge_key from changed`,
);
const findAnswer = sql(
  'gateway.find_later_answer',
  'select outcome, reference, voided from gateway_charges where charge_key = $key',
);

/** Decides a pending authorization once, and returns its event; undefined if the charge was voided before. */
export async function settleAuthorization(
  db: Queryable,
  { eventId: id, key, outcome }: DueEvent,
  reference: string,
): Promise<GatewayEvent | undefined> {
  await db.query(decideAuthorization({ key, outcome, reference }));
  const [charge] = await db.query<{ outcome: string; reference: string | null; voided: boolean }>(
    findAnswer({ key }),
  );
  if (!charge || charge.voided) return undefined;
  const kind = 'AUTHORIZATION';
  if (charge.reference !== null)
    return { id, key, kind, answer: { outcome: 'APPROVED', reference: charge.reference } };
  if (charge.outcome === 'EXPIRED') return { id, key, kind, answer: { outcome: 'EXPIRED' } };
  return {
    id,
    key,
    kind,
    answer: { outcome: 'DECLINED', decline: { code: 'DO_NOT_HONOR', advice: adviceOf.DO_NOT_HONOR } },
  };
}

const decideRefund = sql(
  'gateway.decide_refund_later',
  `with refund as (
     update gateway_refunds set state = $outcome
     where charge_key = $key and refund_key = $refundKey and state = 'PENDING'
     returning charge_key, amount_minor, state
   ), charge as (
     update gateway_charges c set refunded_minor = c.refunded_minor + refund.amount_minor
     from refund where c.charge_key = refund.charge_key and refund.state = 'REFUNDED'
   )
   insert into gateway_ledger (charge_key, kind, amount_minor)
   select charge_key, 'REFUND', amount_minor from refund where state = 'REFUNDED'`,
);

/** Decides a pending refund once, and returns its event. */
export async function settleRefundLater(
  db: Queryable,
  { eventId: id, key, outcome }: DueEvent,
  refundKey: string,
): Promise<GatewayEvent> {
  await db.query(decideRefund({ key, refundKey, outcome }));
  const isRefunded = outcome === 'REFUNDED';
  return { id, key, kind: 'REFUND', refundKey, answer: { outcome: isRefunded ? 'REFUNDED' : 'DECLINED' } };
}

const markDelivered = sql(
  'gateway.mark_delivered',
  'update gateway_events set delivered_at = now() where event_id = $eventId',
);

export async function markEventDelivered(db: Queryable, eventId: string): Promise<void> {
  await db.query(markDelivered({ eventId }));
}

const prune = sql(
  'gateway.prune_events',
  `delete from gateway_events where event_id in (
     select event_id from gateway_events where delivered_at < now() - make_interval(days => $days::int)
     order by delivered_at limit $limit for update skip locked
   )
   returning event_id`,
);

/** Deletes up to `limit` events that were delivered more than `days` ago, and returns their number. */
export async function pruneEvents(db: Queryable, days: number, limit: number): Promise<number> {
  return (await db.query(prune({ days, limit }))).length;
}
