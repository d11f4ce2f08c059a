import type { Money } from '../money/index.js';
import { sql, type Queryable } from '../postgres/index.js';
import type { Backoff } from '../runtime/index.js';
import type {
  Charge,
  Decline,
  DeclineAdvice,
  DeclineCode,
  Lease,
  OperatorNote,
  Payment,
  PaymentAction,
  PaymentState,
} from './domain.js';

/** The columns of a {@link PaymentRow}. */
export const paymentColumns = `id, order_id, currency, amount_minor, fingerprint, authorized_minor,
  captured_minor, refunded_minor, externally_refunded_minor, refund_pending_minor, state, expired, decline_code,
  decline_advice, capture_decline_code, capture_decline_advice, action_url, action_due_at, voided_intent,
  void_retry_at, released_currency, released_minor, created_at, updated_at`;

/** CHECK constraints ensure that related columns are null together. */
export interface PaymentRow {
  readonly id: string;
  readonly order_id: string | null;
  readonly currency: string | null;
  readonly amount_minor: bigint | null;
  readonly fingerprint: Buffer | null;
  readonly authorized_minor: bigint;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly externally_refunded_minor: bigint;
  readonly refund_pending_minor: bigint;
  readonly state: PaymentState;
  /** True for an expired payment, whose state is VOIDED, because an earlier version cannot read EXPIRED. */
  readonly expired: boolean;
  readonly decline_code: DeclineCode | null;
  readonly decline_advice: DeclineAdvice | null;
  readonly capture_decline_code: DeclineCode | null;
  readonly capture_decline_advice: DeclineAdvice | null;
  readonly action_url: string | null;
  readonly action_due_at: Date | null;
  readonly voided_intent: boolean;
  readonly void_retry_at: Date | null;
  readonly released_currency: string | null;
  readonly released_minor: bigint | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    state: row.expired ? 'EXPIRED' : row.state,
    charge: toCharge(row),
    decline: toDecline(row.decline_code, row.decline_advice),
    captureDecline: toCaptureDecline(row),
    action: toAction(row),
    voidedIntent: row.voided_intent,
    voidPending: row.void_retry_at !== null,
    released: toReleased(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toCharge(row: PaymentRow): Charge | undefined {
  const { currency, amount_minor: amount } = row;
  if (currency === null || amount === null) return undefined;
  return {
    orderId: row.order_id ?? undefined,
    currency,
    amount,
    authorized: row.authorized_minor,
    captured: row.captured_minor,
    refunded: row.refunded_minor,
    externallyRefunded: row.externally_refunded_minor,
    refundPending: row.refund_pending_minor,
    fingerprint: row.fingerprint ?? undefined,
  };
}

function toDecline(code: DeclineCode | null, advice: DeclineAdvice | null): Decline | undefined {
  return code === null || advice === null ? undefined : { code, advice };
}

/** A captured payment has no declined capture: a replica of an earlier version may leave the columns set. */
function toCaptureDecline(row: PaymentRow): Decline | undefined {
  const { captured_minor: captured, capture_decline_code: code, capture_decline_advice: advice } = row;
  return captured > 0n ? undefined : toDecline(code, advice);
}

function toAction({ action_url: url, action_due_at: dueAt }: PaymentRow): PaymentAction | undefined {
  return url === null || dueAt === null ? undefined : { url, dueAt };
}

function toReleased({ released_currency: currency, released_minor: minor }: PaymentRow): Money | undefined {
  return currency === null || minor === null ? undefined : { currency, minor };
}

export function paymentsById(rows: readonly PaymentRow[]): ReadonlyMap<string, Payment> {
  return new Map(rows.map((row) => [row.id, toPayment(row)]));
}

const find = sql('payment.find', `select ${paymentColumns} from payments where id = any ($ids::uuid[])`);

/** Reads payments. The result has no payment for an unknown id. */
export async function findPayments(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Payment>> {
  return paymentsById(await db.query<PaymentRow>(find({ ids })));
}

export async function findPayment(db: Queryable, id: string): Promise<Payment | undefined> {
  return (await findPayments(db, [id])).get(id);
}

const findWithConflict = sql(
  'payment.find_with_conflict',
  `select ${paymentColumns} from payments where id = $id
   union all
   select ${paymentColumns} from payments
   where order_id = $orderId and id <> $id
     and state in ('PENDING', 'ACTION_REQUIRED', 'AUTHORIZED', 'CAPTURED', 'PARTIALLY_REFUNDED')`,
);

/** Returns the payment, and the state of another live payment of `orderId`. */
export async function findPaymentAndConflict(
  db: Queryable,
  id: string,
  orderId: string,
): Promise<{ payment: Payment | undefined; conflict: PaymentState | undefined }> {
  const rows = (await db.query<PaymentRow>(findWithConflict({ id, orderId }))).map(toPayment);
  return {
    payment: rows.find((row) => row.id === id),
    conflict: rows.find((row) => row.id !== id)?.state,
  };
}

/** The stored part of a request to authorize. */
export interface PaymentRequest {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amount: Money;
  readonly fingerprint: Buffer;
}

const insertVoided = sql(
  'payment.insert_voided',
  `with made as (
     insert into payments (id, order_id, currency, amount_minor, fingerprint, state, void_retry_at)
     values ($paymentId, $orderId, $currency, $amount, $fingerprint, 'VOIDED',
       now() + make_interval(secs => $leaseMs::float8 / 1000))
     on conflict do nothing
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select id, 'VOID', 0, id, $actor, $reason from made
   )
   select ${paymentColumns} from made`,
);

/**
 * Inserts a VOIDED payment that was never authorized. The payment has the data of `request`, or is a tombstone if
 * `request` has only the id. The void at the gateway is pending, and the background work does not repeat it within
 * `leaseMs`. Returns undefined if the id is taken.
 */
export async function insertVoidedPayment(
  db: Queryable,
  request: PaymentRequest | { readonly paymentId: string },
  { actor, reason, leaseMs }: OperatorNote & { readonly leaseMs: number },
): Promise<Payment | undefined> {
  const { paymentId, orderId, amount, fingerprint }: Partial<PaymentRequest> = request;
  const { currency, minor } = amount ?? {};
  const statement = insertVoided({
    paymentId,
    orderId,
    currency,
    amount: minor,
    fingerprint,
    leaseMs,
    actor,
    reason,
  });
  const [row] = await db.query<PaymentRow>(statement);
  return row && toPayment(row);
}

/**
 * The end of a statement with the CTEs `locked` (the ids that the statement has locked) and `changed`. Returns the changed
 * payments, and the ids of the locked payments that did not change.
 */
export const changedOrUnchanged = `select locked_id, changed.* from locked left join changed on id = locked_id`;

/** A changed payment, or the id of a payment that did not change. */
export type ChangeRow = { readonly locked_id: string } & (PaymentRow | { readonly id: null });

export interface BatchChange {
  /** Undefined if the payment did not change. */
  readonly changed: Payment | undefined;
}

export function changesById(rows: readonly ChangeRow[]): ReadonlyMap<string, BatchChange> {
  return new Map(
    rows.map((row) => [row.locked_id, { changed: row.id === null ? undefined : toPayment(row) }]),
  );
}

// The payments are locked in the order of their ids.
const capture = sql(
  'payment.capture',
  `with item as materialized (
     select * from json_to_recordset($items::json) as item (key uuid, amount bigint, actor text, reason text)
   ), locked as materialized (
     select id as locked_id, state as locked_state from payments where id = any ($ids::uuid[])
     order by id for update skip locked
   ), changed as (
     update payments set state = 'CAPTURED', captured_minor = amount, capture_decline_code = null,
       capture_decline_advice = null, updated_at = now()
     from item join locked on locked_id = key
     where id = any ($ids::uuid[]) and id = key and locked_state = 'AUTHORIZED'
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select id, 'CAPTURE', captured_minor, id, actor, reason from changed join item on key = id
   )
   ${changedOrUnchanged}`,
);

export interface Capture extends OperatorNote {
  readonly id: string;
  /** In minor units. */
  readonly amount: bigint;
}

/**
 * Captures different payments. A payment that is not AUTHORIZED does not change. The result has no value for a payment whose
 * row another transaction holds.
 */
export async function capturePayments(
  db: Queryable,
  captures: readonly Capture[],
): Promise<ReadonlyMap<string, BatchChange>> {
  const items = JSON.stringify(
    captures.map(({ id, amount, ...note }) => ({ key: id, amount: String(amount), ...note })),
  );
  const ids = captures.map(({ id }) => id);
  return changesById(await db.query<ChangeRow>(capture({ items, ids })));
}

const voidAuthorized = sql(
  'payment.void_authorized',
  `with changed as (
     update payments set state = 'VOIDED', updated_at = now()
     where id = $id and state = 'AUTHORIZED'
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select id, 'VOID', authorized_minor, id, $actor, $reason from changed
   )
   select ${paymentColumns} from changed`,
);

/** Returns undefined, without a change, unless the payment is AUTHORIZED. */
export async function voidPayment(
  db: Queryable,
  id: string,
  { actor, reason }: OperatorNote,
): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(voidAuthorized({ id, actor, reason }));
  return row && toPayment(row);
}

const refuseCapture = sql(
  'payment.decline_capture',
  `with changed as (
     update payments set capture_decline_code = $code, capture_decline_advice = $advice, updated_at = now()
     where id = $id and state = 'AUTHORIZED' and capture_decline_code is null
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'CAPTURE_DECLINE', authorized_minor, id from changed
   )
   select ${paymentColumns} from changed`,
);

/** Returns undefined, without a change, unless the payment is AUTHORIZED and its capture was not declined before. */
export async function declineCapture(
  db: Queryable,
  id: string,
  { code, advice }: Decline,
): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(refuseCapture({ id, code, advice }));
  return row && toPayment(row);
}

const expire = sql(
  'payment.expire',
  `with changed as (
     update payments set state = 'VOIDED', expired = true, updated_at = now()
     where id = $id and state = 'AUTHORIZED'
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'EXPIRE', authorized_minor, id from changed
   )
   select ${paymentColumns} from changed`,
);

/** Returns undefined, without a change, unless the payment is AUTHORIZED. */
export async function expirePayment(db: Queryable, id: string): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(expire({ id }));
  return row && toPayment(row);
}

const confirm = sql(
  'payment.confirm_void',
  `with changed as (
     update payments set void_retry_at = null, released_currency = $currency, released_minor = $minor,
       updated_at = now()
     where id = $id and void_retry_at is not null
     returning ${paymentColumns}
   ), entry as (
     insert into payment_ledger (payment_id, kind, amount_minor, request_key)
     select id, 'AUTHORIZE', released_minor, id from changed where released_minor is not null
   )
   select ${paymentColumns} from changed`,
);

/**
 * Ends a pending void and stores the amount that the gateway released. Returns undefined if no void is pending.
 */
export async function confirmVoid(
  db: Queryable,
  id: string,
  released: Money | undefined,
): Promise<Payment | undefined> {
  const { currency, minor } = released ?? {};
  const [row] = await db.query<PaymentRow>(confirm({ id, currency, minor }));
  return row && toPayment(row);
}

const claimVoids = sql(
  'payment.claim_unconfirmed_voids',
  `update payments set attempts = attempts + 1,
     void_retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   where id in (
     select id from payments where void_retry_at <= now()
     order by void_retry_at limit $limit for update skip locked
   )
   returning id, attempts`,
);

/** A pending void during the lease of this process. */
export interface ClaimedVoid extends Lease {
  readonly paymentId: string;
}

/** Claims up to `limit` pending voids that are due; no replica claims the same voids again within `leaseMs`. */
export async function claimDueVoids(db: Queryable, leaseMs: number, limit: number): Promise<ClaimedVoid[]> {
  const rows = await db.query<{ id: string; attempts: number }>(claimVoids({ leaseMs, limit }));
  return rows.map(({ id, attempts }) => ({ paymentId: id, attempts }));
}

const claimOne = sql(
  'payment.claim_unconfirmed_void',
  `update payments set attempts = attempts + 1,
     void_retry_at = now() + make_interval(secs => $leaseMs::float8 / 1000)
   where id = $id and void_retry_at <= now()
   returning attempts`,
);

/** Claims one pending void. Returns undefined if none is pending, during another lease, or before its retry time. */
export async function claimVoid(
  db: Queryable,
  paymentId: string,
  leaseMs: number,
): Promise<ClaimedVoid | undefined> {
  const [row] = await db.query<{ attempts: number }>(claimOne({ id: paymentId, leaseMs }));
  return row && { paymentId, attempts: row.attempts };
}

const defer = sql(
  'payment.defer_void',
  `update payments set void_retry_at = now() + make_interval(secs =>
     (0.5 + random() / 2) * least($capMs::float8, $baseMs::float8 * 2 ^ least(attempts, 20)) / 1000)
   where id = $id and void_retry_at is not null and attempts = $attempts`,
);

/**
 * Sets the time of the next attempt of a pending void, with exponential backoff. Changes nothing when another call has
 * claimed the void meanwhile.
 */
export async function deferVoid(
  db: Queryable,
  { paymentId: id, attempts }: ClaimedVoid,
  { baseMs, capMs }: Backoff,
): Promise<void> {
  await db.query(defer({ id, attempts, baseMs, capMs }));
}

/** Ledger entries of a charge that the gateway made. The authorization may have an entry already. */
const chargeEntries = `insert into payment_ledger (payment_id, kind, amount_minor, request_key, actor, reason)
     select id, kind, minor, request_key, $actor, $noteReason from changed, lateral (values
       ('AUTHORIZE', authorized_minor, id::text), ('CAPTURE', captured_minor, id::text),
       ('REFUND', refunded_minor, id || '/gateway')
     ) entry (kind, minor, request_key)
     where minor > 0
     on conflict do nothing`;

const captureVoided = sql(
  'payment.capture_voided',
  `with changed as (
     update payments set gateway_reference = $reference, authorized_minor = amount_minor, captured_minor = $captured,
       refunded_minor = $refunded, voided_intent = false, expired = false, released_currency = null,
       released_minor = null, void_retry_at = null, updated_at = now(),
       state = case $refunded::bigint when 0 then 'CAPTURED' when $captured then 'REFUNDED' else 'PARTIALLY_REFUNDED' end
     where id = $id and state = 'VOIDED' and amount_minor is not null
     returning ${paymentColumns}
   ), entries as (
     ${chargeEntries}
   )
   select ${paymentColumns} from changed`,
);

/** A charge that the gateway captured, although its payment is VOIDED here. */
export interface VoidedCharge extends OperatorNote {
  readonly id: string;
  readonly reference: string;
  readonly captured: bigint;
  /** What the gateway has refunded already. */
  readonly refunded: bigint;
}

/**
 * Replaces the void of a payment by the capture of the gateway, which never voids a captured charge. Returns undefined,
 * without a change, for a tombstone and for a payment that is not VOIDED.
 */
export async function captureVoidedPayment(
  db: Queryable,
  { actor, reason, ...charge }: VoidedCharge,
): Promise<Payment | undefined> {
  const [row] = await db.query<PaymentRow>(captureVoided({ ...charge, actor, noteReason: reason }));
  return row && toPayment(row);
}

const captureBareTombstone = sql(
  'payment.capture_tombstone',
  `with changed as (
     update payments set currency = $currency, amount_minor = $authorized, gateway_reference = $reference,
       authorized_minor = $authorized, captured_minor = $captured, refunded_minor = $refunded,
       refund_pending_minor = $captured::bigint - $refunded::bigint, void_retry_at = null, released_currency = null,
       released_minor = null, updated_at = now(),
       state = case $refunded::bigint when 0 then 'CAPTURED' when $captured then 'REFUNDED' else 'PARTIALLY_REFUNDED' end
     where id = $id and state = 'VOIDED' and amount_minor is null
     returning ${paymentColumns}
   ), entries as (
     ${chargeEntries}
   ), refund as (
     insert into refunds (payment_id, request_id, fingerprint, state, amount_minor, reason, retry_at)
     select id, id::text, $fingerprint, 'PENDING', refund_pending_minor, $reason,
       now() + make_interval(secs => $leaseMs::float8 / 1000)
     from changed where refund_pending_minor > 0
   )
   select ${paymentColumns} from changed`,
);

/** A charge that the gateway captured under the id of a tombstone. */
export interface TombstoneCharge {
  readonly id: string;
  readonly reference: string;
  readonly currency: string;
  readonly authorized: bigint;
  readonly captured: bigint;
  /** What the gateway has refunded already. */
  readonly refunded: bigint;
  /** Fingerprint and reason of the refund of the rest, whose key is the payment id. */
  readonly fingerprint: Buffer;
  readonly reason: string;
  /** The background work does not attempt the refund within this time. */
  readonly leaseMs: number;
  /** The operator whose void has found the charge. */
  readonly note: OperatorNote;
}

/**
 * Records the charge of a tombstone that the gateway has captured, and reserves the refund of what is left. Returns
 * undefined, without a change, if the payment is not a VOIDED tombstone.
 */
export async function captureTombstone(
  db: Queryable,
  { note, ...charge }: TombstoneCharge,
): Promise<Payment | undefined> {
  const { actor, reason: noteReason } = note;
  const [row] = await db.query<PaymentRow>(captureBareTombstone({ ...charge, actor, noteReason }));
  return row && toPayment(row);
}
