import type { Money } from '../money/index.js';
import { sql, type Queryable } from '../postgres/index.js';
import type { Decline, Payment } from './domain.js';
import { paymentColumns, toPayment, type PaymentRow } from './payment-row.js';

const find = sql('payment.find', `select ${paymentColumns} from payments where id = $1`);

const findWithRival = sql(
  'payment.find_with_rival',
  `select ${paymentColumns} from payments where id = $1
   union all
   select ${paymentColumns} from payments
   where order_id = $2 and id <> $1 and state in ('AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED')`,
);

// Conflicts on the id and on the order's one live payment alike leave nothing.
const insertAnswered = sql(
  'payment.insert_answered',
  `with made as (
     insert into payments (id, order_id, currency, amount_minor, fingerprint, state, authorized_minor,
       gateway_reference, decline_code, decline_advice)
     values ($1, $2, $3, $4, $5, case when $6::text is null then 'DECLINED' else 'AUTHORIZED' end,
       case when $6::text is null then 0 else $4::bigint end, $6, $7, $8)
     on conflict do nothing
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, case state when 'DECLINED' then 'DECLINE' else 'AUTHORIZE' end, amount_minor, id from made
   )
   select ${paymentColumns} from made`,
);

const insertVoided = sql(
  'payment.insert_voided',
  `with made as (
     insert into payments (id, order_id, currency, amount_minor, fingerprint, state, void_retry_at)
     values ($1, $2, $3, $4, $5, 'VOIDED', now() + make_interval(secs => $6::float8 / 1000))
     on conflict do nothing
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'VOID', 0, id from made
   )
   select ${paymentColumns} from made`,
);

const capture = sql(
  'payment.capture',
  `with changed as (
     update payments set state = 'CAPTURED', captured_minor = $2, updated_at = now()
     where id = $1 and state = 'AUTHORIZED'
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'CAPTURE', captured_minor, id from changed
   )
   select ${paymentColumns} from changed`,
);

const voidAuthorized = sql(
  'payment.void_authorized',
  `with changed as (
     update payments set state = 'VOIDED', updated_at = now()
     where id = $1 and state = 'AUTHORIZED'
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'VOID', authorized_minor, id from changed
   )
   select ${paymentColumns} from changed`,
);

const confirm = sql(
  'payment.confirm_void',
  `with changed as (
     update payments set void_retry_at = null, released_currency = $2, released_minor = $3, updated_at = now()
     where id = $1 and void_retry_at is not null
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'AUTHORIZE', released_minor, id from changed where released_minor is not null
   )
   select ${paymentColumns} from changed`,
);

const claimUnconfirmed = sql(
  'payment.claim_unconfirmed_voids',
  `update payments set void_retry_at = now() + make_interval(secs => $1::float8 / 1000)
   where id in (
     select id from payments where void_retry_at <= now()
     order by void_retry_at limit $2 for update skip locked
   )
   returning id`,
);

export async function findPayment(db: Queryable, id: string): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(find, [id]);
  return row && toPayment(row);
}

/** The payment, and whether its order has another live one. */
export async function findPaymentAndRival(
  db: Queryable,
  id: string,
  orderId: string,
): Promise<{ payment: Payment | undefined; hasRival: boolean }> {
  const rows = (await db.query<PaymentRow>(findWithRival, [id, orderId])).map(toPayment);
  return {
    payment: rows.find((row) => row.id === id),
    hasRival: rows.some((row) => row.id !== id),
  };
}

/** What a payment is asked for. */
export interface PaymentRequest {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly fingerprint: Buffer;
}

/** Stores what the gateway answered. Undefined if the id is taken or the order has a live payment. */
export async function insertAnsweredPayment(
  db: Queryable,
  { paymentId, orderId, amount, fingerprint }: PaymentRequest,
  answer: { readonly reference: string } | { readonly decline: Decline },
): Promise<Payment | undefined> {
  const outcome =
    'decline' in answer ? [null, answer.decline.code, answer.decline.advice] : [answer.reference, null, null];
  const values = [paymentId, orderId, amount.currency, amount.minor, fingerprint, ...outcome];
  const [row] = await db.query<PaymentRow>(insertAnswered, values);
  return row && toPayment(row);
}

/**
 * Stores a payment that is never to be made: with its request, or as a bare tombstone. It owes the
 * gateway's void, to be repeated after `retryMs`. Undefined if the id is taken.
 */
export async function insertVoidedPayment(
  db: Queryable,
  request: PaymentRequest | { readonly paymentId: string },
  retryMs: number,
): Promise<Payment | undefined> {
  const asked =
    'amount' in request
      ? [request.orderId, request.amount.currency, request.amount.minor, request.fingerprint]
      : [null, null, null, null];
  const [row] = await db.query<PaymentRow>(insertVoided, [request.paymentId, ...asked, retryMs]);
  return row && toPayment(row);
}

/** Undefined unless it was AUTHORIZED. */
export async function capturePayment(
  db: Queryable,
  id: string,
  amount: bigint,
): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(capture, [id, amount]);
  return row && toPayment(row);
}

/** Undefined unless it was AUTHORIZED. */
export async function voidPayment(db: Queryable, id: string): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(voidAuthorized, [id]);
  return row && toPayment(row);
}

/** Notes that the gateway holds the void, and what it released. Undefined if that is known already. */
export async function confirmVoid(
  db: Queryable,
  id: string,
  released: Money | undefined,
): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(confirm, [id, released?.currency, released?.minor]);
  return row && toPayment(row);
}

/** Takes up to `limit` payments whose void is due for `leaseMs`, so that no other replica does. */
export async function claimUnconfirmedVoids(
  db: Queryable,
  leaseMs: number,
  limit: number,
): Promise<string[]> {
  const rows = await db.query<{ id: string }>(claimUnconfirmed, [leaseMs, limit]);
  return rows.map(({ id }) => id);
}
