import { sql, type Queryable, type Transaction } from '../../postgres/index.js';
import type { OrderRefund, RefundAnswer, RefundOutcome, RefundRefusal } from './refund.js';

const refundColumns = `r.id, r.order_id, r.request_id, r.amount_minor, r.actor, r.reason, r.state,
  r.refusal, r.attempts, o.payment_id, o.currency`;

interface RefundRow {
  id: string;
  order_id: string;
  request_id: string;
  amount_minor: bigint;
  actor: string;
  reason: string;
  state: RefundOutcome['state'];
  refusal: RefundRefusal | null;
  attempts: number;
  payment_id: string;
  currency: string;
}

function toRefund(row: RefundRow): OrderRefund {
  const { state, refusal } = row;
  return {
    id: row.id,
    orderId: row.order_id,
    requestId: row.request_id,
    paymentId: row.payment_id,
    // `money` would throw for a currency that is no longer in ISO 4217, and stop the other refunds as well.
    amount: { currency: row.currency, minor: row.amount_minor },
    actor: row.actor,
    reason: row.reason,
    outcome: state === 'REFUSED' ? { state, refusal: refusal ?? 'REFUND_DECLINED' } : { state },
    attempts: row.attempts,
  };
}

const find = sql(
  'order_refund.find',
  `select ${refundColumns} from order_refunds r join orders o on o.id = r.order_id
   where r.order_id = $orderId and r.request_id = $requestId`,
);

export async function findOrderRefund(
  db: Queryable,
  { orderId, requestId }: Pick<OrderRefund, 'orderId' | 'requestId'>,
): Promise<OrderRefund | undefined> {
  const [row] = await db.query<RefundRow>(find({ orderId, requestId }));
  return row && toRefund(row);
}

const insert = sql(
  'order_refund.insert',
  `with inserted as (
     insert into order_refunds (id, order_id, request_id, amount_minor, actor, reason, state, refusal,
       next_attempt_at, finished_at)
     values ($id, $orderId, $requestId, $amount, $actor, $reason, $state, $refusal,
       case when $state = 'PENDING' then now() + make_interval(secs => $leaseMs::float8 / 1000) end,
       case when $state <> 'PENDING' then now() end)
     returning order_id, amount_minor, state
   )
   update orders o set refund_pending_minor = refund_pending_minor + inserted.amount_minor
   from inserted where o.id = inserted.order_id and inserted.state = 'PENDING'`,
);

/** Stores a decided refund of a locked order. No resolver attempts a pending refund before `leaseMs` have passed. */
export async function insertOrderRefund(
  tx: Transaction,
  refund: OrderRefund,
  leaseMs: number,
): Promise<void> {
  const { id, orderId, requestId, amount, actor, reason, outcome } = refund;
  const { state } = outcome;
  const refusal = outcome.state === 'REFUSED' ? outcome.refusal : null;
  const row = { id, orderId, requestId, actor, reason, state, refusal, leaseMs };
  await tx.query(insert({ ...row, amount: amount.minor }));
}

const finish = sql(
  'order_refund.finish',
  `with finished as (
     update order_refunds set state = $state, refusal = $refusal, next_attempt_at = null, finished_at = now()
     where id = $id and state = 'PENDING' returning order_id, amount_minor
   )
   update orders o set refund_pending_minor = refund_pending_minor - finished.amount_minor
   from finished where o.id = finished.order_id
   returning o.id`,
);

/** Stores the result of a pending refund of a locked order. Returns false when the refund is already finished. */
export async function finishOrderRefund(tx: Transaction, id: string, answer: RefundAnswer): Promise<boolean> {
  const refusal = answer.state === 'REFUSED' ? answer.refusal : null;
  return (await tx.query(finish({ id, state: answer.state, refusal }))).length > 0;
}

const postpone = sql(
  'order_refund.postpone',
  `update order_refunds set attempts = attempts + 1,
     next_attempt_at = now() + make_interval(secs => $delayMs::float8 / 1000)
   where id = $id and state = 'PENDING'`,
);

/** Counts an attempt in doubt and makes the pending refund due after `delayMs`. */
export async function postponeOrderRefund(db: Queryable, id: string, delayMs: number): Promise<void> {
  await db.query(postpone({ id, delayMs }));
}

const claim = sql(
  'order_refund.claim',
  `with due as (
     select id from order_refunds where state = 'PENDING' and next_attempt_at <= now()
     order by next_attempt_at limit $limit for update skip locked
   )
   update order_refunds r set next_attempt_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   from due, orders o
   where r.id = due.id and o.id = r.order_id
   returning ${refundColumns}`,
);

/** Claims up to `limit` due refunds. No other replica claims the same refunds within `leaseMs`. */
export async function claimDueOrderRefunds(
  db: Queryable,
  leaseMs: number,
  limit: number,
): Promise<OrderRefund[]> {
  const rows = await db.query<RefundRow>(claim({ leaseMs, limit }));
  return rows.map(toRefund);
}
