import type { Money } from '../../money/index.js';
import { sql, type Queryable } from '../../postgres/index.js';
import type { Decline, DeclineAdvice, DeclineCode, PaymentAction } from '../domain.js';
import type {
  AuthorizationStatus,
  GatewayRecord,
  GatewayTransaction,
  TransactionPageRequest,
} from './gateway.js';

/** The simulated gateway's state of one key. */
export interface GatewayCharge {
  /** `fingerprint`, `method` and `amount` are undefined if the key was voided before any authorization. */
  readonly fingerprint: Buffer | undefined;
  readonly method: string | undefined;
  /** Undefined if no authorization has an effect or an answer. */
  readonly status: AuthorizationStatus | undefined;
  /** The gateway's reference of an approved charge. */
  readonly reference: string | undefined;
  readonly amount: Money | undefined;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly expired: boolean;
  readonly voided: boolean;
}

export const chargeColumns = `charge_key, fingerprint, method, currency, amount_minor, outcome, reference, decline_code,
  decline_advice, action_due_at, captured_minor, refunded_minor, expired, voided`;

export interface ChargeRow {
  readonly charge_key: string;
  readonly fingerprint: Buffer | null;
  readonly method: string | null;
  readonly currency: string | null;
  readonly amount_minor: bigint | null;
  readonly outcome: 'APPROVED' | 'DECLINED' | 'PENDING' | 'ACTION_REQUIRED' | 'EXPIRED' | null;
  readonly reference: string | null;
  readonly decline_code: DeclineCode | null;
  readonly decline_advice: DeclineAdvice | null;
  readonly action_due_at: Date | null;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly expired: boolean;
  readonly voided: boolean;
}

export function toGatewayCharge(row: ChargeRow): GatewayCharge {
  return {
    fingerprint: row.fingerprint ?? undefined,
    method: row.method ?? undefined,
    status: toStatus(row),
    reference: row.reference ?? undefined,
    amount: toAmount(row),
    captured: row.captured_minor,
    refunded: row.refunded_minor,
    expired: row.expired,
    voided: row.voided,
  };
}

function toStatus(row: ChargeRow): AuthorizationStatus | undefined {
  const { outcome, reference, decline_code: code, decline_advice: advice, action_due_at: dueAt } = row;
  if (row.voided) return { outcome: 'VOIDED' };
  if (row.expired || outcome === 'EXPIRED') return { outcome: 'EXPIRED' };
  if (outcome === 'PENDING') return { outcome };
  if (outcome === 'ACTION_REQUIRED' && dueAt !== null)
    return { outcome, action: { url: actionUrl(row.charge_key), dueAt } };
  if (reference !== null) return { outcome: 'APPROVED', reference };
  return code === null || advice === null ? undefined : { outcome: 'DECLINED', decline: { code, advice } };
}

function actionUrl(key: string): PaymentAction['url'] {
  return `https://gateway.example/actions/${key}`;
}

function toAmount({ currency, amount_minor: minor }: ChargeRow): Money | undefined {
  return currency === null || minor === null ? undefined : { currency, minor };
}

/** The stored part of an authorization request. */
export interface ChargeRequest {
  readonly key: string;
  readonly fingerprint: Buffer;
  readonly method: string;
  readonly currency: string;
  readonly amount: bigint;
}

/** The first answer to an authorization. */
export type Decision =
  | { readonly outcome: 'APPROVED'; readonly reference: string }
  | { readonly outcome: 'DECLINED'; readonly decline: Decline }
  | {
      readonly outcome: 'PENDING' | 'ACTION_REQUIRED';
      /** The later answer, `delayMs` after the request. */
      readonly later: {
        readonly eventId: string;
        readonly outcome: 'APPROVED' | 'EXPIRED';
        readonly delayMs: number;
      };
      /** Time that the customer has to act. */
      readonly actionTimeoutMs?: number;
    };

// Each item takes effect once per key. It changes no decided or voided charge, and no charge of another request.
const decide = sql(
  'gateway.decide',
  `with item as materialized (
     select * from json_to_recordset($items::json) as item (key uuid, fingerprint text, method text, currency text,
       amount bigint, outcome text, reference text, decline_code text, decline_advice text, action_timeout_ms float8,
       event_id uuid, later text, delay_ms float8)
   ), decided as (
     insert into gateway_charges (charge_key, fingerprint, method, currency, amount_minor, outcome,
       reference, decline_code, decline_advice, action_due_at)
     select key, decode(fingerprint, 'base64'), method, currency, amount, outcome, reference, decline_code,
       decline_advice, now() + make_interval(secs => action_timeout_ms / 1000)
     from item order by key
     on conflict (charge_key) do update set outcome = excluded.outcome, reference = excluded.reference,
       decline_code = excluded.decline_code, decline_advice = excluded.decline_advice,
       action_due_at = excluded.action_due_at
     where gateway_charges.outcome is null and not gateway_charges.voided
       and gateway_charges.fingerprint = excluded.fingerprint
     returning ${chargeColumns}
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor)
     select charge_key, 'AUTHORIZE', amount_minor from decided where outcome = 'APPROVED'
   ), later as (
     insert into gateway_events (event_id, charge_key, outcome, due_at, next_delivery_at)
     select item.event_id, item.key, item.later, due.time, due.time
     from decided join item on item.key = charge_key,
       lateral (select now() + make_interval(secs => item.delay_ms / 1000) as time) due
     where item.later is not null
   )
   select ${chargeColumns} from decided`,
);

export interface DecidedCharge {
  readonly request: ChargeRequest;
  readonly decision: Decision;
}

/**
 * Stores the first answers to authorizations with different keys. The result has no charge, and no change, for a charge
 * that already has an answer, is voided, or belongs to another request.
 */
export async function decideCharges(
  db: Queryable,
  charges: readonly DecidedCharge[],
): Promise<ReadonlyMap<string, GatewayCharge>> {
  const items = JSON.stringify(charges.map(toItem));
  return chargesByKey(await db.query<ChargeRow>(decide({ items })));
}

function toItem({ request, decision }: DecidedCharge) {
  const { outcome } = decision;
  const later = 'later' in decision ? decision.later : undefined;
  const decline = outcome === 'DECLINED' ? decision.decline : undefined;
  return {
    key: request.key,
    fingerprint: request.fingerprint.toString('base64'),
    method: request.method,
    currency: request.currency,
    amount: String(request.amount),
    outcome,
    reference: outcome === 'APPROVED' ? decision.reference : undefined,
    decline_code: decline?.code,
    decline_advice: decline?.advice,
    action_timeout_ms: 'later' in decision ? decision.actionTimeoutMs : undefined,
    event_id: later?.eventId,
    later: later?.outcome,
    delay_ms: later?.delayMs,
  };
}

function chargesByKey(rows: readonly ChargeRow[]): ReadonlyMap<string, GatewayCharge> {
  return new Map(rows.map((row) => [row.charge_key, toGatewayCharge(row)]));
}

const chargeAgain = sql(
  'gateway.charge_again',
  `with charged as (
     update gateway_charges set reference = $reference, key_created_at = now()
     where charge_key = $key and outcome = 'APPROVED' and not voided
       and key_created_at <= now() - make_interval(secs => $keyLifetimeMs::float8 / 1000)
     returning charge_key, amount_minor
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor) select charge_key, 'AUTHORIZE', amount_minor from charged
   )
   select charge_key from charged`,
);

/** Makes a second charge if the gateway has forgotten the idempotency key, as an external processor does. */
export async function chargeForgottenKey(
  db: Queryable,
  parameters: { readonly key: string; readonly reference: string; readonly keyLifetimeMs: number },
): Promise<boolean> {
  return (await db.query(chargeAgain(parameters))).length > 0;
}

const fail = sql(
  'gateway.fail_attempt',
  `insert into gateway_charges (charge_key, fingerprint, method, currency, amount_minor, attempts)
   values ($key, $fingerprint, $method, $currency, $amount, 1)
   on conflict (charge_key) do update set attempts = gateway_charges.attempts + 1
   where gateway_charges.attempts < $failures and gateway_charges.outcome is null
     and not gateway_charges.voided and gateway_charges.fingerprint = excluded.fingerprint
   returning charge_key`,
);

/**
 * Counts another failed attempt. Returns false without a change if `failures` attempts have failed already, or if
 * {@link decideCharge} would return undefined.
 */
export async function failAttempt(db: Queryable, request: ChargeRequest, failures: number): Promise<boolean> {
  const rows = await db.query(fail({ ...request, failures }));
  return rows.length > 0;
}

const find = sql('gateway.find', `select ${chargeColumns} from gateway_charges where charge_key = $key`);

export async function findCharge(db: Queryable, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await db.query<ChargeRow>(find({ key }));
  return row && toGatewayCharge(row);
}

// The charges are locked in the order of their keys.
const capture = sql(
  'gateway.capture',
  `with item as materialized (
     select * from json_to_recordset($items::json) as item (key uuid, amount bigint)
   ), locked as materialized (
     select charge_key as key, outcome, voided, expired, captured_minor, amount_minor, method
     from gateway_charges where charge_key = any ($keys::uuid[]) order by charge_key for update skip locked
   ), target as materialized (
     select key, item.amount from item join locked using (key)
     where outcome = 'APPROVED' and not voided and not expired and captured_minor = 0
       and amount_minor >= item.amount and method <> all ($refusingMethods)
   ), changed as (
     update gateway_charges set captured_minor = amount
     from target where charge_key = any ($keys::uuid[]) and charge_key = key
     returning ${chargeColumns}
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor) select charge_key, 'CAPTURE', captured_minor from changed
   )
   select item.key, changed.* from item left join changed on charge_key = item.key
   where item.key in (select key from locked) or not exists (select from gateway_charges where charge_key = item.key)`,
);

/** A captured charge, or the key of a charge that did not change. */
type CaptureRow = { readonly key: string } & (ChargeRow | { readonly charge_key: null });

export interface ChargeCapture {
  readonly key: string;
  /** In minor units. */
  readonly amount: bigint;
}

/**
 * Captures charges with different keys. A charge does not change if it is authorized for less, already captured, expired or
 * voided, or if its payment method is one of `refusingMethods`. The result has no value for a charge whose row another
 * transaction holds.
 */
export async function captureCharges(
  db: Queryable,
  captures: readonly ChargeCapture[],
  refusingMethods: readonly string[],
): Promise<ReadonlyMap<string, { readonly changed: GatewayCharge | undefined }>> {
  const items = JSON.stringify(captures.map(({ key, amount }) => ({ key, amount: String(amount) })));
  const keys = captures.map(({ key }) => key);
  const rows = await db.query<CaptureRow>(capture({ items, keys, refusingMethods }));
  return new Map(
    rows.map((row) => [row.key, { changed: row.charge_key === null ? undefined : toGatewayCharge(row) }]),
  );
}

const expire = sql(
  'gateway.expire',
  `update gateway_charges set expired = true
   where charge_key = $key and outcome = 'APPROVED' and not voided and captured_minor = 0
   returning ${chargeColumns}`,
);

/** Expires an authorization. Returns undefined without a change if the charge is voided, captured or not authorized. */
export async function expireCharge(db: Queryable, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await db.query<ChargeRow>(expire({ key }));
  return row && toGatewayCharge(row);
}

const cancel = sql(
  'gateway.void',
  `with changed as (
     insert into gateway_charges (charge_key, voided) values ($key, true)
     on conflict (charge_key) do update set voided = true
     where not gateway_charges.voided and not gateway_charges.expired and gateway_charges.captured_minor = 0
     returning ${chargeColumns}
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor)
     select $key, 'VOID', case when reference is null then 0 else amount_minor end from changed
   )
   select ${chargeColumns} from changed`,
);

/** Voids a known or unknown key. Returns undefined if the key is voided, expired or captured already. */
export async function voidCharge(db: Queryable, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await db.query<ChargeRow>(cancel({ key }));
  return row && toGatewayCharge(row);
}

const readRecord = sql(
  'gateway.record',
  `select count(*) filter (where kind = 'AUTHORIZE')::int as "authorizationCount",
     count(*) filter (where kind = 'CAPTURE')::int as "captureCount",
     coalesce(sum(amount_minor) filter (where kind = 'AUTHORIZE'), 0)::bigint as authorized,
     coalesce(sum(amount_minor) filter (where kind = 'CAPTURE'), 0)::bigint as captured,
     coalesce(sum(amount_minor) filter (where kind = 'REFUND'), 0)::bigint as refunded,
     count(*) filter (where kind = 'VOID') > 0 as voided,
     exists (select from gateway_refunds where charge_key = $key and state = 'PENDING') as "hasPendingRefund"
   from gateway_ledger where charge_key = $key`,
);

interface RecordRow extends Omit<GatewayRecord, 'currency' | 'authorization' | 'pending'> {
  readonly hasPendingRefund: boolean;
}

/** Sums up the ledger entries of one charge. */
export async function readGatewayRecord(db: Queryable, key: string): Promise<GatewayRecord> {
  const [charge, [row]] = await Promise.all([findCharge(db, key), db.query<RecordRow>(readRecord({ key }))]);
  if (!row) throw new Error('an aggregate query returned no row');
  const { hasPendingRefund, ...record } = row;
  const authorization = charge?.status;
  const pending = hasPendingRefund || authorization?.outcome === 'PENDING';
  return { ...record, currency: charge?.amount?.currency, authorization, pending };
}

interface TransactionRow {
  readonly id: string;
  readonly key: string;
  readonly kind: GatewayTransaction['kind'];
  readonly currency: string | null;
  readonly minor: bigint;
  readonly created_at: Date;
}

const list = sql(
  'gateway.list_transactions',
  `select l.id::text, l.charge_key as key, l.kind, c.currency, l.amount_minor as minor, l.created_at
   from gateway_ledger l join gateway_charges c on c.charge_key = l.charge_key
   where l.id > $after::bigint order by l.id limit $limit`,
);
const listOfCharge = sql(
  'gateway.list_transactions_of_charge',
  `select l.id::text, l.charge_key as key, l.kind, c.currency, l.amount_minor as minor, l.created_at
   from gateway_ledger l join gateway_charges c on c.charge_key = l.charge_key
   where l.charge_key = $key and l.id > $after::bigint order by l.id limit $limit`,
);

export async function listTransactions(
  db: Queryable,
  { key, after = '0', limit }: Omit<TransactionPageRequest, 'signal'>,
): Promise<GatewayTransaction[]> {
  const statement = key === undefined ? list({ after, limit }) : listOfCharge({ key, after, limit });
  return (await db.query<TransactionRow>(statement)).map(toTransaction);
}

function toTransaction(row: TransactionRow): GatewayTransaction {
  const { id, key, kind, currency, minor, created_at: createdAt } = row;
  return {
    id,
    key,
    kind,
    amount: currency === null || minor === 0n ? undefined : { currency, minor },
    createdAt,
  };
}
