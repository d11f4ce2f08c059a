import { sql, type Queryable } from '../postgres/index.js';
import type { Decline } from './domain.js';
import { chargeColumns, toGatewayCharge, type ChargeRow, type GatewayCharge } from './gateway-charge-row.js';
import type { GatewayBooks } from './gateway.js';

/** A request as the gateway sees it. */
export interface ChargeRequest {
  readonly key: string;
  readonly fingerprint: Buffer;
  readonly method: string;
  readonly currency: string;
  readonly amount: bigint;
}

// Takes effect once a key: what is decided or voided, or stands for another request, stays as it is.
const decide = sql(
  'gateway.decide',
  `with decided as (
     insert into gateway_charges (charge_key, fingerprint, method, currency, amount_minor, outcome,
       reference, decline_code, decline_advice)
     values ($1, $2, $3, $4, $5, case when $6::text is null then 'DECLINED' else 'APPROVED' end, $6, $7, $8)
     on conflict (charge_key) do update set outcome = excluded.outcome, reference = excluded.reference,
       decline_code = excluded.decline_code, decline_advice = excluded.decline_advice
     where gateway_charges.outcome is null and not gateway_charges.voided
       and gateway_charges.fingerprint = excluded.fingerprint
     returning charge_key, outcome, amount_minor
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor)
     select charge_key, 'AUTHORIZE', amount_minor from decided where outcome = 'APPROVED'
   )
   select charge_key from decided`,
);
const fail = sql(
  'gateway.fail_attempt',
  `insert into gateway_charges (charge_key, fingerprint, method, currency, amount_minor, attempts)
   values ($1, $2, $3, $4, $5, 1)
   on conflict (charge_key) do update set attempts = gateway_charges.attempts + 1
   where gateway_charges.attempts < $6 and gateway_charges.outcome is null
     and not gateway_charges.voided and gateway_charges.fingerprint = excluded.fingerprint
   returning charge_key`,
);
const find = sql('gateway.find', `select ${chargeColumns} from gateway_charges where charge_key = $1`);
const capture = sql(
  'gateway.capture',
  `with changed as (
     update gateway_charges set captured_minor = $2
     where charge_key = $1 and outcome = 'APPROVED' and not voided and captured_minor = 0
       and amount_minor >= $2
     returning ${chargeColumns}
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor) select $1, 'CAPTURE', $2 from changed
   )
   select ${chargeColumns} from changed`,
);
const cancel = sql(
  'gateway.void',
  `with changed as (
     insert into gateway_charges (charge_key, voided) values ($1, true)
     on conflict (charge_key) do update set voided = true
     where not gateway_charges.voided and gateway_charges.captured_minor = 0
     returning ${chargeColumns}
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor)
     select $1, 'VOID', case when reference is null then 0 else amount_minor end from changed
   )
   select ${chargeColumns} from changed`,
);
const readBooks = sql(
  'gateway.books',
  `select (select currency from gateway_charges where charge_key = $1) as currency,
     count(*) filter (where kind = 'AUTHORIZE')::int as "authorizationCount",
     count(*) filter (where kind = 'CAPTURE')::int as "captureCount",
     coalesce(sum(amount_minor) filter (where kind = 'AUTHORIZE'), 0)::bigint as authorized,
     coalesce(sum(amount_minor) filter (where kind = 'CAPTURE'), 0)::bigint as captured,
     coalesce(sum(amount_minor) filter (where kind = 'REFUND'), 0)::bigint as refunded,
     count(*) filter (where kind = 'VOID') > 0 as voided
   from gateway_ledger where charge_key = $1`,
);

/** Approves or declines. Returns false, and changes nothing, unless the key is new or only failed so far. */
export async function decideCharge(
  db: Queryable,
  request: ChargeRequest,
  answer: { readonly reference: string } | { readonly decline: Decline },
): Promise<boolean> {
  const outcome =
    'decline' in answer ? [null, answer.decline.code, answer.decline.advice] : [answer.reference, null, null];
  const rows = await db.query(decide, [...requestValues(request), ...outcome]);
  return rows.length > 0;
}

/** Counts one more failed attempt, at most `failures`. Returns false when there is none left to fail. */
export async function failAttempt(db: Queryable, request: ChargeRequest, failures: number): Promise<boolean> {
  const rows = await db.query(fail, [...requestValues(request), failures]);
  return rows.length > 0;
}

function requestValues({ key, fingerprint, method, currency, amount }: ChargeRequest): unknown[] {
  return [key, fingerprint, method, currency, amount];
}

export async function findCharge(db: Queryable, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await db.query<ChargeRow>(find, [key]);
  return row && toGatewayCharge(row);
}

/** Undefined unless so much is authorized and it is neither captured nor voided. */
export async function captureCharge(
  db: Queryable,
  key: string,
  amount: bigint,
): Promise<GatewayCharge | undefined> {
  const [row] = await db.query<ChargeRow>(capture, [key, amount]);
  return row && toGatewayCharge(row);
}

/** Voids, also a key not seen yet. Undefined when it is voided or captured already. */
export async function voidCharge(db: Queryable, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await db.query<ChargeRow>(cancel, [key]);
  return row && toGatewayCharge(row);
}

/** Adds up the gateway's ledger. */
export async function readGatewayBooks(db: Queryable, key: string): Promise<GatewayBooks> {
  const [books] = await db.query<Omit<GatewayBooks, 'currency'> & { currency: string | null }>(readBooks, [
    key,
  ]);
  if (!books) throw new Error('an aggregate yields one row');
  return { ...books, currency: books.currency ?? undefined };
}
