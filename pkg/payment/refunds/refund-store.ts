import { sql, type Queryable, type Transaction } from '../../postgres/index.js';
import type { Backoff } from '../../runtime/index.js';
import type { Payment } from '../domain.js';
import { paymentColumns, toPayment, type PaymentRow } from '../payment-store.js';
import type {
  ClaimedRefund,
  NewRefund,
  PendingRefund,
  Refund,
  RefundCancellation,
  RefundKey,
  RefundOutcome,
  RefundRejection,
} from './refund.js';

const refundColumns = `payment_id, request_id, fingerprint, state, amount_minor, refusal, declined, cancelled,
  refunded_after_minor, externally_refunded_after_minor, finished_at`;

interface RefundRow {
  readonly payment_id: string;
  readonly request_id: string;
  readonly fingerprint: Buffer;
  readonly state: RefundOutcome['state'];
  readonly amount_minor: bigint | null;
  readonly refusal: RefundRejection | null;
  /** True for a refund that the gateway declined. An earlier version cannot read REFUND_DECLINED. */
  readonly declined: boolean;
  readonly refunded_after_minor: bigint | null;
  readonly externally_refunded_after_minor: bigint;
  /** True for a refund that an operator cancelled. An earlier version cannot read REFUND_CANCELLED. */
  readonly cancelled: boolean;
  readonly finished_at: Date | null;
}

function toRefund(row: RefundRow): Refund {
  return {
    paymentId: row.payment_id,
    requestId: row.request_id,
    fingerprint: row.fingerprint,
    outcome: toOutcome(row),
  };
}

function toOutcome(row: RefundRow): RefundOutcome {
  const { amount_minor: amount, refunded_after_minor: refundedAfter, finished_at: finishedAt } = row;
  if (row.cancelled) return { state: 'REFUSED', reason: 'REFUND_CANCELLED' };
  if (row.refusal !== null)
    return { state: 'REFUSED', reason: row.declined ? 'REFUND_DECLINED' : row.refusal };
  if (amount === null) throw new Error('a refund has no amount');
  if (refundedAfter === null || finishedAt === null) return { state: 'PENDING', amount };
  const externallyRefundedAfter = row.externally_refunded_after_minor;
  return { state: 'SUCCEEDED', amount, refundedAfter, externallyRefundedAfter, finishedAt };
}

const find = sql(
  'refund.find',
  `select ${refundColumns} from refunds where payment_id = $paymentId and request_id = $requestId`,
);

export async function findRefund(
  db: Queryable,
  { paymentId, requestId }: RefundKey,
): Promise<Refund | undefined> {
  const [row] = await db.query<RefundRow>(find({ paymentId, requestId }));
  return row && toRefund(row);
}

const lock = sql(
  'refund.lock_payment',
  `select ${paymentColumns} from payments where id = $id for no key update`,
);

/** Blocks other refunds of the payment until the transaction ends. */
export async function lockPayment(tx: Transaction, id: string): Promise<Payment | undefined> {
  const [row] = await tx.query<PaymentRow>(lock({ id }));
  return row && toPayment(row);
}

const insert = sql(
  'refund.insert',
  `insert into refunds (payment_id, request_id, fingerprint, state, amount_minor, refusal, actor, reason, retry_at,
     finished_at)
   values ($paymentId, $requestId, $fingerprint, $state, $amount, $refusal, $actor, $reason,
     case when $state = 'PENDING' then now() + make_interval(secs => $leaseMs::float8 / 1000) end,
     case when $state = 'REFUSED' then now() end)
   on conflict do nothing
   returning ${refundColumns}`,
);
const reserve = sql(
  'refund.reserve',
  'update payments set refund_pending_minor = refund_pending_minor + $amount where id = $paymentId',
);

/**
 * Inserts a decided refund and reserves its amount. The background work does not attempt the refund within `leaseMs`.
 * Returns undefined if the key is taken.
 */
export async function insertRefund(
  tx: Transaction,
  refund: NewRefund & { readonly outcome: Exclude<RefundOutcome, { state: 'SUCCEEDED' }> },
  leaseMs: number,
): Promise<Refund | undefined> {
  const { paymentId, requestId, fingerprint, outcome, note } = refund;
  const { state } = outcome;
  const amount = state === 'PENDING' ? outcome.amount : undefined;
  const refusal = state === 'REFUSED' ? outcome.reason : undefined;
  const { actor, reason } = note;
  const statement = insert({
    paymentId,
    requestId,
    fingerprint,
    state,
    amount,
    refusal,
    leaseMs,
    actor,
    reason,
  });
  const [row] = await tx.query<RefundRow>(statement);
  if (row && amount !== undefined) await tx.query(reserve({ paymentId, amount }));
  return row && toRefund(row);
}

const insertExternal = sql(
  'refund.insert_external',
  `with changed as (
     update payments set refunded_minor = refunded_minor + $amount,
       externally_refunded_minor = externally_refunded_minor + $amount,
       state = case when refunded_minor + $amount = captured_minor then 'REFUNDED' else 'PARTIALLY_REFUNDED' end,
       updated_at = now()
     where id = $paymentId
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select id, 'EXTERNAL_REFUND', $amount, $requestId, $actor, $reason from changed
   ), refund as (
     insert into refunds (payment_id, request_id, fingerprint, state, amount_minor, actor, reason,
       refunded_after_minor, externally_refunded_after_minor, finished_at)
     select id, $requestId, $fingerprint, 'SUCCEEDED', $amount, $actor, $reason, refunded_minor,
       externally_refunded_minor, updated_at
     from changed
   )
   select ${paymentColumns} from changed`,
);

/**
 * Records a refund that was made outside the gateway. Requires that the transaction has locked the payment, that the
 * amount is not reserved or refunded, and that the key is free.
 */
export async function insertExternalRefund(
  tx: Transaction,
  { paymentId, requestId, fingerprint, note, amount }: NewRefund & { readonly amount: bigint },
): Promise<Payment> {
  const { actor, reason } = note;
  const statement = insertExternal({ paymentId, requestId, fingerprint, amount, actor, reason });
  const [row] = await tx.query<PaymentRow>(statement);
  if (!row) throw new Error(`payment ${paymentId} of a refund is missing`);
  return toPayment(row);
}

const settle = sql(
  'refund.settle',
  `with changed as (
     update payments set refunded_minor = refunded_minor + $amount,
       refund_pending_minor = refund_pending_minor - $amount,
       state = case when refunded_minor + $amount = captured_minor then 'REFUNDED' else 'PARTIALLY_REFUNDED' end,
       updated_at = now()
     where id = $paymentId
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select changed.id, 'REFUND', $amount, $requestId, r.actor, r.reason
     from changed join refunds r on r.payment_id = changed.id and r.request_id = $requestId
   ), finished as (
     update refunds set state = 'SUCCEEDED', refunded_after_minor = changed.refunded_minor,
       externally_refunded_after_minor = changed.externally_refunded_minor, finished_at = changed.updated_at, retry_at = null
     from changed where payment_id = changed.id and request_id = $requestId
   )
   select ${paymentColumns} from changed`,
);

/** Records a refund that the gateway made. Requires that the transaction has locked the payment of a PENDING refund. */
export async function settleRefund(
  tx: Transaction,
  { paymentId, requestId, amount }: PendingRefund,
): Promise<Payment> {
  const [row] = await tx.query<PaymentRow>(settle({ paymentId, requestId, amount }));
  if (!row) throw new Error(`payment ${paymentId} of a refund is missing`);
  return toPayment(row);
}

const cancel = sql(
  'refund.cancel',
  `with refused as (
     update refunds set state = 'REFUSED', refusal = 'REFUND_EXCEEDS_CAPTURE', declined = true, finished_at = now(),
       retry_at = null
     where payment_id = $paymentId and request_id = $requestId
   )
   update payments set refund_pending_minor = refund_pending_minor - $amount where id = $paymentId`,
);

/**
 * Records that the gateway declined a refund, and releases its reserved amount. Requires that the transaction has locked
 * the payment of a PENDING refund.
 */
export async function cancelRefund(
  tx: Transaction,
  { paymentId, requestId, amount }: PendingRefund,
): Promise<void> {
  await tx.query(cancel({ paymentId, requestId, amount }));
}

const insertCancelled = sql(
  'refund.insert_cancelled',
  `with cancelled as (
     insert into refunds (payment_id, request_id, fingerprint, state, refusal, cancelled, actor, reason, finished_at)
     values ($paymentId, $requestId, '', 'REFUSED', 'ILLEGAL_TRANSITION', true, $actor, $reason, now())
     on conflict (payment_id, request_id) do update set state = 'REFUSED', refusal = excluded.refusal, cancelled = true,
       finished_at = now(), retry_at = null
     where refunds.state = 'PENDING'
     returning payment_id, coalesce(amount_minor, 0) as minor
   ), released as (
     update payments set refund_pending_minor = refund_pending_minor - minor
     from cancelled where payments.id = cancelled.payment_id
     returning payments.id, minor
   )
   insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
   select id, 'REFUND_CANCEL', minor, $requestId, $actor, $reason from released`,
);

/**
 * Cancels a PENDING refund and releases its reserved amount, or stores a tombstone for a free key. Changes nothing if the
 * refund is decided. Requires that the transaction has locked the payment, if the payment exists.
 */
export async function insertCancelledRefund(
  tx: Transaction,
  { paymentId, requestId, note: { actor, reason } }: RefundCancellation,
): Promise<void> {
  await tx.query(insertCancelled({ paymentId, requestId, actor, reason }));
}

const claim = sql(
  'refund.claim_pending',
  `update refunds set attempts = attempts + 1, retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   where (payment_id, request_id) in (
     select payment_id, request_id from refunds where state = 'PENDING' and retry_at <= now()
     order by retry_at limit $limit for update skip locked
   )
   returning payment_id, request_id, amount_minor, attempts`,
);

/** Claims up to `limit` pending refunds that are due; no replica claims the same refunds again within `leaseMs`. */
export async function claimDueRefunds(
  db: Queryable,
  leaseMs: number,
  limit: number,
): Promise<ClaimedRefund[]> {
  const rows = await db.query<RefundRow & { amount_minor: bigint; attempts: number }>(
    claim({ leaseMs, limit }),
  );
  return rows.map((row) => ({
    paymentId: row.payment_id,
    requestId: row.request_id,
    amount: row.amount_minor,
    attempts: row.attempts,
  }));
}

const claimOne = sql(
  'refund.claim_one_pending',
  `update refunds set attempts = attempts + 1, retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   where payment_id = $paymentId and request_id = $requestId and state = 'PENDING' and retry_at <= now()
   returning attempts`,
);

/**
 * Claims one refund. Returns undefined if it is not pending, if another call holds its lease, or before its retry
 * time.
 */
export async function claimRefund(
  db: Queryable,
  refund: PendingRefund,
  leaseMs: number,
): Promise<ClaimedRefund | undefined> {
  const { paymentId, requestId } = refund;
  const [row] = await db.query<{ attempts: number }>(claimOne({ paymentId, requestId, leaseMs }));
  return row && { ...refund, attempts: row.attempts };
}

const defer = sql(
  'refund.defer',
  `update refunds set retry_at = now() + make_interval(secs =>
     (0.5 + random() / 2) * least($capMs::float8, $baseMs::float8 * 2 ^ least(attempts, 20)) / 1000)
   where payment_id = $paymentId and request_id = $requestId and state = 'PENDING' and attempts = $attempts`,
);

/**
 * Sets the time of the next attempt of a pending refund, with exponential backoff. Changes nothing when another call has
 * claimed the refund meanwhile.
 */
export async function deferRefund(
  db: Queryable,
  { paymentId, requestId, attempts }: ClaimedRefund,
  { baseMs, capMs }: Backoff,
): Promise<void> {
  await db.query(defer({ paymentId, requestId, attempts, baseMs, capMs }));
}
