import { sql, type Queryable } from '../../postgres/index.js';
import type { Backoff } from '../../runtime/index.js';
import type { Payment, PaymentState } from '../domain.js';
import type { AuthorizationStatus } from '../gateway/gateway.js';
import { paymentColumns, toPayment, type PaymentRequest, type PaymentRow } from '../payment-store.js';

// Inserts no row if the id is taken or the order has a live payment (index `payments_live_order_with_intents`).
const insert = sql(
  'intent.insert',
  `insert into payments (id, order_id, currency, amount_minor, fingerprint, state, requested_at, intent_retry_at)
   values ($paymentId, $orderId, $currency, $amount, $fingerprint, 'PENDING', now(),
     now() + make_interval(secs => $leaseMs::float8 / 1000))
   on conflict do nothing
   returning ${paymentColumns}`,
);

/**
 * Inserts a PENDING payment. Returns undefined if the id is taken or the order has a live payment. The resolver does not
 * look the payment up within `leaseMs`.
 */
export async function insertIntent(
  db: Queryable,
  { paymentId, orderId, amount, fingerprint }: PaymentRequest,
  leaseMs: number,
): Promise<Payment | undefined> {
  const { currency, minor } = amount;
  const statement = insert({ paymentId, orderId, currency, amount: minor, fingerprint, leaseMs });
  const [row] = await db.query<PaymentRow>(statement);
  return row && toPayment(row);
}

const touch = sql(
  'intent.touch',
  `update payments set requested_at = now(),
     intent_retry_at = greatest(intent_retry_at, now() + make_interval(secs => $leaseMs::float8 / 1000))
   where id = $id and state in ('PENDING', 'ACTION_REQUIRED')
   returning ${paymentColumns}`,
);

/** Records another request of the caller. Returns undefined if the payment is not an intent. */
export async function touchIntent(db: Queryable, id: string, leaseMs: number): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(touch({ id, leaseMs }));
  return row && toPayment(row);
}

/** An answer that does not leave the payment PENDING. */
export type IntentAnswer = Exclude<AuthorizationStatus, { outcome: 'PENDING' | 'VOIDED' }>;

const stateAfter = {
  APPROVED: 'AUTHORIZED',
  DECLINED: 'DECLINED',
  EXPIRED: 'VOIDED',
  ACTION_REQUIRED: 'ACTION_REQUIRED',
} as const satisfies Record<IntentAnswer['outcome'], PaymentState>;

const record = sql(
  'intent.record_answer',
  `with changed as (
     update payments set state = $state, expired = $expired, gateway_reference = $reference,
       authorized_minor = case when $state = 'AUTHORIZED' then amount_minor else 0 end,
       decline_code = $declineCode, decline_advice = $declineAdvice,
       action_url = $actionUrl, action_due_at = $actionDueAt,
       intent_retry_at = case when $state = 'ACTION_REQUIRED' then greatest(intent_retry_at, $actionDueAt) end,
       updated_at = now()
     where id = $id and state in ('PENDING', 'ACTION_REQUIRED')
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, case state when 'AUTHORIZED' then 'AUTHORIZE' when 'DECLINED' then 'DECLINE' else 'EXPIRE' end,
       amount_minor, id
     from changed where state <> 'ACTION_REQUIRED'
   )
   select ${paymentColumns} from changed`,
);

/** Records an answer of the gateway. Returns undefined, without a change, if the payment is not an intent. */
export async function recordIntentAnswer(
  db: Queryable,
  id: string,
  answer: IntentAnswer,
): Promise<Payment | undefined> {
  const { outcome } = answer;
  const decline = outcome === 'DECLINED' ? answer.decline : undefined;
  const action = outcome === 'ACTION_REQUIRED' ? answer.action : undefined;
  const statement = record({
    id,
    state: stateAfter[outcome],
    expired: outcome === 'EXPIRED',
    reference: outcome === 'APPROVED' ? answer.reference : null,
    declineCode: decline?.code,
    declineAdvice: decline?.advice,
    actionUrl: action?.url,
    actionDueAt: action?.dueAt,
  });
  const [row] = await db.query<PaymentRow>(statement);
  return row && toPayment(row);
}

const end = sql(
  'intent.void',
  `with changed as (
     update payments set state = 'VOIDED', voided_intent = true, intent_retry_at = null, action_url = null,
       action_due_at = null, attempts = 0, void_retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000),
       updated_at = now()
     where id = $id and state in ('PENDING', 'ACTION_REQUIRED')
       and requested_at <= now() - make_interval(secs => $idleMs::float8 / 1000)
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select id, 'VOID', 0, id, $actor, $reason from changed
   )
   select ${paymentColumns} from changed`,
);

export interface IntentVoid {
  readonly id: string;
  /** Minimum time since the last request of a caller. */
  readonly idleMs: number;
  /** The background work does not repeat the void within this time. */
  readonly leaseMs: number;
  readonly actor: string | undefined;
  readonly reason: string | undefined;
}

/**
 * Voids an intent; the void at the gateway is then pending. Returns undefined, without a change, if the payment is not an
 * intent or a caller has requested it within `idleMs`.
 */
export async function voidIntent(db: Queryable, parameters: IntentVoid): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(end(parameters));
  return row && toPayment(row);
}

const claim = sql(
  'intent.claim_due',
  `update payments set attempts = attempts + 1,
     intent_retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   where id in (
     select id from payments where intent_retry_at <= now()
     order by intent_retry_at limit $limit for update skip locked
   )
   returning id`,
);

/** Claims up to `limit` intents that are due; no replica claims the same intents again within `leaseMs`. */
export async function claimDueIntents(
  db: Queryable,
  leaseMs: number,
  limit: number,
): Promise<{ readonly paymentId: string }[]> {
  const rows = await db.query<{ id: string }>(claim({ leaseMs, limit }));
  return rows.map(({ id }) => ({ paymentId: id }));
}

const defer = sql(
  'intent.defer',
  `update payments set intent_retry_at = greatest(action_due_at, now() + make_interval(secs =>
     (0.5 + random() / 2) * least($capMs::float8, $baseMs::float8 * 2 ^ least(attempts, 20)) / 1000))
   where id = $id and state in ('PENDING', 'ACTION_REQUIRED')`,
);

/** Sets the time of the next look-up, with exponential backoff. */
export async function deferIntent(db: Queryable, id: string, { baseMs, capMs }: Backoff): Promise<void> {
  await db.query(defer({ id, baseMs, capMs }));
}
