import { sql, type Queryable } from '../../postgres/index.js';
import type { Backoff } from '../../runtime/index.js';
import type { Lease, Payment, PaymentState } from '../domain.js';
import type { AuthorizationStatus } from '../gateway/gateway.js';
import {
  changedOrUnchanged,
  changesById,
  paymentColumns,
  paymentsById,
  toPayment,
  type BatchChange,
  type ChangeRow,
  type PaymentRequest,
  type PaymentRow,
} from '../payment-store.js';

// Inserts no row if the id is taken or the order has a live payment (index `payments_live_order_with_intents`).
const insert = sql(
  'intent.insert',
  `insert into payments (id, order_id, currency, amount_minor, fingerprint, state, requested_at, intent_retry_at)
   select id, order_id, currency, amount_minor, decode(fingerprint, 'base64'), 'PENDING', now(),
     now() + make_interval(secs => $leaseMs::float8 / 1000)
   from json_to_recordset($items::json) as item (id uuid, order_id uuid, currency text, amount_minor bigint,
     fingerprint text)
   order by id
   on conflict do nothing
   returning ${paymentColumns}`,
);

/**
 * Inserts PENDING payments with different ids. The result has no payment for an id that is taken or whose order has a live
 * payment. The resolver does not look the payments up within `leaseMs`.
 */
export async function insertIntents(
  db: Queryable,
  requests: readonly PaymentRequest[],
  leaseMs: number,
): Promise<ReadonlyMap<string, Payment>> {
  const items = requests.map(({ paymentId, orderId, amount, fingerprint }) => ({
    id: paymentId,
    order_id: orderId,
    currency: amount.currency,
    amount_minor: String(amount.minor),
    fingerprint: fingerprint.toString('base64'),
  }));
  return paymentsById(await db.query<PaymentRow>(insert({ items: JSON.stringify(items), leaseMs })));
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

/** Records answers. `lock` is the locking clause of the payments, which are locked in the order of their ids. */
function record<const Lock extends string>(lock: Lock) {
  return `with item as materialized (
     select * from json_to_recordset($items::json) as item (key uuid, new_state text, new_expired boolean,
       reference text, code text, advice text, url text, due_at timestamptz)
   ), locked as materialized (
     select id as locked_id, state as locked_state from payments where id = any ($ids::uuid[]) order by id ${lock}
   ), changed as (
     update payments set state = new_state, expired = new_expired, gateway_reference = reference,
       authorized_minor = case when new_state = 'AUTHORIZED' then amount_minor else 0 end,
       decline_code = code, decline_advice = advice, action_url = url, action_due_at = due_at,
       intent_retry_at = case when new_state = 'ACTION_REQUIRED' then greatest(intent_retry_at, due_at) end,
       updated_at = now()
     from item join locked on locked_id = key
     where id = any ($ids::uuid[]) and id = key and locked_state in ('PENDING', 'ACTION_REQUIRED')
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, case state when 'AUTHORIZED' then 'AUTHORIZE' when 'DECLINED' then 'DECLINE' else 'EXPIRE' end,
       amount_minor, id
     from changed where state <> 'ACTION_REQUIRED'
   )
   ${changedOrUnchanged}` as const;
}

const recordUnlocked = sql('intent.record_answer', record('for update skip locked'));
const recordWaiting = sql('intent.record_event_answer', record('for update'));

/** The gateway's answer to the authorization of a payment. */
export interface AnsweredIntent {
  readonly id: string;
  readonly answer: IntentAnswer;
}

/**
 * Records answers for different payments. A payment that is no intent does not change. The result has no value for a payment
 * whose row another transaction holds.
 */
export async function recordIntentAnswers(
  db: Queryable,
  answered: readonly AnsweredIntent[],
): Promise<ReadonlyMap<string, BatchChange>> {
  return changesById(await db.query<ChangeRow>(recordUnlocked(toParameters(answered))));
}

/**
 * Records an answer. Waits while another transaction holds the row. Returns undefined, without a change, if the payment is
 * not an intent.
 */
export async function recordIntentAnswer(
  db: Queryable,
  answered: AnsweredIntent,
): Promise<Payment | undefined> {
  const rows = await db.query<ChangeRow>(recordWaiting(toParameters([answered])));
  return changesById(rows).get(answered.id)?.changed;
}

function toParameters(answered: readonly AnsweredIntent[]) {
  return { items: JSON.stringify(answered.map(toItem)), ids: answered.map(({ id }) => id) };
}

function toItem({ id, answer }: AnsweredIntent) {
  const { outcome } = answer;
  const decline = outcome === 'DECLINED' ? answer.decline : undefined;
  const action = outcome === 'ACTION_REQUIRED' ? answer.action : undefined;
  return {
    key: id,
    new_state: stateAfter[outcome],
    new_expired: outcome === 'EXPIRED',
    reference: outcome === 'APPROVED' ? answer.reference : undefined,
    code: decline?.code,
    advice: decline?.advice,
    url: action?.url,
    due_at: action?.dueAt,
  };
}

// A repeated request that this statement waits for is later than `now()`, the start of the statement.
const end = sql(
  'intent.void',
  `with changed as (
     update payments set state = 'VOIDED', voided_intent = true, intent_retry_at = null, action_url = null,
       action_due_at = null, attempts = 0, void_retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000),
       updated_at = now()
     where id = $id and state in ('PENDING', 'ACTION_REQUIRED')
       and requested_at <= clock_timestamp() - make_interval(secs => $idleMs::float8 / 1000)
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
   returning id, attempts`,
);

/** An intent during the lease of this process. */
export interface ClaimedIntent extends Lease {
  readonly paymentId: string;
}

/** Claims up to `limit` intents that are due; no replica claims the same intents again within `leaseMs`. */
export async function claimDueIntents(
  db: Queryable,
  leaseMs: number,
  limit: number,
): Promise<ClaimedIntent[]> {
  const rows = await db.query<{ id: string; attempts: number }>(claim({ leaseMs, limit }));
  return rows.map(({ id, attempts }) => ({ paymentId: id, attempts }));
}

const defer = sql(
  'intent.defer',
  `update payments set intent_retry_at = greatest(action_due_at, now() + make_interval(secs =>
     (0.5 + random() / 2) * least($capMs::float8, $baseMs::float8 * 2 ^ least(attempts, 20)) / 1000))
   where id = $paymentId and state in ('PENDING', 'ACTION_REQUIRED') and attempts = $attempts`,
);

/**
 * Sets the time of the next look-up, with exponential backoff. Changes nothing if another replica has claimed the intent
 * since, because it then holds a later lease.
 */
export async function deferIntent(
  db: Queryable,
  { paymentId, attempts }: ClaimedIntent,
  { baseMs, capMs }: Backoff,
): Promise<void> {
  await db.query(defer({ paymentId, attempts, baseMs, capMs }));
}
