import { sql, type Queryable, type Transaction } from '../postgres/index.js';
import type { Payment } from './domain.js';
import { paymentColumns, toPayment, type PaymentRow } from './payment-row.js';
import type { Refund, RefundDecision, RefundKey, RefundOutcome, RefundRefusal } from './refund.js';

const refundColumns = `payment_id, request_id, fingerprint, state, amount_minor, refusal,
  refunded_after_minor, finished_at`;

const find = sql(
  'refund.find',
  `select ${refundColumns} from refunds where payment_id = $1 and request_id = $2`,
);
const lock = sql(
  'refund.lock_payment',
  `select ${paymentColumns} from payments where id = $1 for no key update`,
);
const insert = sql(
  'refund.insert',
  `insert into refunds (payment_id, request_id, fingerprint, state, amount_minor, refusal, retry_at, finished_at)
   values ($1, $2, $3, $4, $5, $6,
     case when $4 = 'PENDING' then now() + make_interval(secs => $7::float8 / 1000) end,
     case when $4 = 'REFUSED' then now() end)
   on conflict do nothing
   returning ${refundColumns}`,
);
const reserve = sql(
  'refund.reserve',
  'update payments set refund_pending_minor = refund_pending_minor + $2 where id = $1',
);
const settle = sql(
  'refund.settle',
  `with changed as (
     update payments set refunded_minor = refunded_minor + $3,
       refund_pending_minor = refund_pending_minor - $3,
       state = case when refunded_minor + $3 = captured_minor then 'REFUNDED' else 'PARTIALLY_REFUNDED' end,
       updated_at = now()
     where id = $1
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'REFUND', $3, $2 from changed
   ), finished as (
     update refunds set state = 'SUCCEEDED', refunded_after_minor = changed.refunded_minor,
       finished_at = changed.updated_at, retry_at = null
     from changed where payment_id = changed.id and request_id = $2
   )
   select ${paymentColumns} from changed`,
);
const cancel = sql(
  'refund.cancel',
  `with refused as (
     update refunds set state = 'REFUSED', refusal = $4, finished_at = now(), retry_at = null
     where payment_id = $1 and request_id = $2
   )
   update payments set refund_pending_minor = refund_pending_minor - $3 where id = $1`,
);
const claim = sql(
  'refund.claim_pending',
  `update refunds set retry_at = now() + make_interval(secs => $1::float8 / 1000)
   where (payment_id, request_id) in (
     select payment_id, request_id from refunds where state = 'PENDING' and retry_at <= now()
     order by retry_at limit $2 for update skip locked
   )
   returning payment_id, request_id, amount_minor`,
);

interface RefundRow {
  readonly payment_id: string;
  readonly request_id: string;
  readonly fingerprint: Buffer;
  readonly state: RefundOutcome['state'];
  readonly amount_minor: bigint | null;
  readonly refusal: RefundRefusal | null;
  readonly refunded_after_minor: bigint | null;
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
  if (row.refusal !== null) return { state: 'REFUSED', refusal: row.refusal };
  if (amount === null) throw new Error('a refund has no amount');
  if (refundedAfter === null || finishedAt === null) return { state: 'PENDING', amount };
  return { state: 'SUCCEEDED', amount, refundedAfter, finishedAt };
}

export async function findRefund(db: Queryable, key: RefundKey): Promise<Refund | undefined> {
  const [row] = await db.query<RefundRow>(find, [key.paymentId, key.requestId]);
  return row && toRefund(row);
}

/** Keeps other refunds of the payment out until the transaction ends. */
export async function lockPayment(tx: Transaction, id: string): Promise<Payment | undefined> {
  const [row] = await tx.query<PaymentRow>(lock, [id]);
  return row && toPayment(row);
}

/** Stores a decided refund and reserves its money. Undefined if the key is taken. */
export async function insertRefund(
  tx: Transaction,
  refund: RefundKey & { readonly fingerprint: Buffer; readonly outcome: RefundDecision },
  retryMs: number,
): Promise<Refund | undefined> {
  const { paymentId, requestId, fingerprint, outcome } = refund;
  const [amount, refusal] = outcome.state === 'PENDING' ? [outcome.amount, null] : [null, outcome.refusal];
  const values = [paymentId, requestId, fingerprint, outcome.state, amount, refusal, retryMs];
  const [row] = await tx.query<RefundRow>(insert, values);
  if (row && amount !== null) await tx.query(reserve, [paymentId, amount]);
  return row && toRefund(row);
}

/** Books a refund that the gateway has made. Its payment is locked and it is PENDING. */
export async function settleRefund(
  tx: Transaction,
  { paymentId, requestId }: RefundKey,
  amount: bigint,
): Promise<Payment> {
  const [row] = await tx.query<PaymentRow>(settle, [paymentId, requestId, amount]);
  if (!row) throw new Error(`payment ${paymentId} of a refund is gone`);
  return toPayment(row);
}

/** Gives back what a refund reserved that the gateway has refused. Its payment is locked and it is PENDING. */
export async function cancelRefund(
  tx: Transaction,
  { paymentId, requestId }: RefundKey,
  amount: bigint,
): Promise<void> {
  await tx.query(cancel, [paymentId, requestId, amount, 'REFUND_EXCEEDS_CAPTURE']);
}

/** Takes up to `limit` refunds that are due for `leaseMs`, so that no other replica does. */
export async function claimPendingRefunds(
  db: Queryable,
  leaseMs: number,
  limit: number,
): Promise<(RefundKey & { readonly amount: bigint })[]> {
  const rows = await db.query<RefundRow & { amount_minor: bigint }>(claim, [leaseMs, limit]);
  return rows.map((row) => ({
    paymentId: row.payment_id,
    requestId: row.request_id,
    amount: row.amount_minor,
  }));
}
