import { sql, type Queryable, type Transaction } from '../../postgres/index.js';
import type { RefundAnswer } from './gateway.js';
import { chargeColumns, toGatewayCharge, type ChargeRow, type GatewayCharge } from './store.js';

/** One refund of a charge. */
export interface GatewayRefund {
  readonly key: string;
  readonly refundKey: string;
  readonly amount: bigint;
}

/** A later answer to a refund, `delayMs` after the request. */
export interface LaterRefundAnswer {
  readonly eventId: string;
  readonly outcome: 'REFUNDED' | 'DECLINED';
  readonly delayMs: number;
}

export interface StoredRefund {
  /** Null for a refund that was cancelled before the gateway received it; its state is DECLINED. */
  readonly amount: bigint | null;
  readonly state: RefundAnswer['outcome'];
  /** Whether the gateway has forgotten the refund key. */
  readonly isForgotten: boolean;
}

const lock = sql(
  'gateway.lock',
  `select ${chargeColumns} from gateway_charges where charge_key = $key for no key update`,
);

/** Blocks other changes of the charge until the transaction ends. */
export async function lockCharge(tx: Transaction, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await tx.query<ChargeRow>(lock({ key }));
  return row && toGatewayCharge(row);
}

const find = sql(
  'gateway.find_refund',
  `select amount_minor as amount, state,
     created_at <= now() - make_interval(secs => $keyLifetimeMs::float8 / 1000) as "isForgotten"
   from gateway_refunds where charge_key = $key and refund_key = $refundKey`,
);

export async function findGatewayRefund(
  db: Queryable,
  parameters: { readonly key: string; readonly refundKey: string; readonly keyLifetimeMs: number },
): Promise<StoredRefund | undefined> {
  const [refund] = await db.query<StoredRefund>(find(parameters));
  return refund;
}

const cancel = sql(
  'gateway.cancel_refund',
  `insert into gateway_refunds (charge_key, refund_key, state) values ($key, $refundKey, 'DECLINED')`,
);

/** Stores that a refund key is cancelled. Requires that the transaction has locked the charge and that the key is unused. */
export async function insertCancelledRefund(tx: Transaction, key: string, refundKey: string): Promise<void> {
  await tx.query(cancel({ key, refundKey }));
}

const sumPending = sql(
  'gateway.sum_pending_refunds',
  `select coalesce(sum(amount_minor), 0)::bigint as pending from gateway_refunds
   where charge_key = $key and state = 'PENDING'`,
);

/** Returns the sum of the pending refunds of a charge. */
export async function sumPendingRefunds(tx: Transaction, key: string): Promise<bigint> {
  const [row] = await tx.query<{ pending: bigint }>(sumPending({ key }));
  return row?.pending ?? 0n;
}

const insert = sql(
  'gateway.insert_refund',
  `with made as (
     insert into gateway_refunds (charge_key, refund_key, amount_minor, state)
     values ($key, $refundKey, $amount, $state)
     on conflict (charge_key, refund_key) do update set created_at = now()
     returning charge_key, amount_minor, state
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor)
     select charge_key, 'REFUND', amount_minor from made where state = 'REFUNDED'
   ), later as (
     insert into gateway_events (event_id, charge_key, refund_key, outcome, due_at, next_delivery_at)
     select $eventId::uuid, charge_key, $refundKey, $later, due.time, due.time
     from made, lateral (select now() + make_interval(secs => $delayMs::float8 / 1000) as time) due
     where $later::text is not null
   )
   update gateway_charges set refunded_minor = refunded_minor + $amount
   where charge_key = $key and $state = 'REFUNDED'`,
);

/**
 * Stores a refund. Requires that the transaction has locked the charge and that the captured amount covers the refund.
 */
export async function insertGatewayRefund(
  tx: Transaction,
  refund: GatewayRefund & {
    readonly state: RefundAnswer['outcome'];
    readonly later: LaterRefundAnswer | undefined;
  },
): Promise<void> {
  const { key, refundKey, amount, state, later } = refund;
  await tx.query(
    insert({
      key,
      refundKey,
      amount,
      state,
      eventId: later?.eventId,
      later: later?.outcome,
      delayMs: later?.delayMs,
    }),
  );
}
