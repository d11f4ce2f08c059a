import { sql, type Transaction } from '../postgres/index.js';
import { chargeColumns, toGatewayCharge, type ChargeRow, type GatewayCharge } from './gateway-charge-row.js';

/** One refund as the gateway sees it. */
export interface GatewayRefund {
  readonly key: string;
  readonly refundKey: string;
  readonly amount: bigint;
}

const lock = sql(
  'gateway.lock',
  `select ${chargeColumns} from gateway_charges where charge_key = $1 for no key update`,
);
const find = sql(
  'gateway.find_refund',
  'select amount_minor from gateway_refunds where charge_key = $1 and refund_key = $2',
);
const make = sql(
  'gateway.make_refund',
  `with made as (
     insert into gateway_refunds (charge_key, refund_key, amount_minor) values ($1, $2, $3)
     returning charge_key, amount_minor
   ), entry as (
     insert into gateway_ledger (charge_key, kind, amount_minor) select charge_key, 'REFUND', amount_minor from made
   )
   update gateway_charges set refunded_minor = refunded_minor + $3 where charge_key = $1`,
);

/** Keeps every other change of the charge out until the transaction ends. */
export async function lockCharge(tx: Transaction, key: string): Promise<GatewayCharge | undefined> {
  const [row] = await tx.query<ChargeRow>(lock, [key]);
  return row && toGatewayCharge(row);
}

/** The amount of a refund made before. */
export async function findGatewayRefund(
  tx: Transaction,
  { key, refundKey }: GatewayRefund,
): Promise<bigint | undefined> {
  const [row] = await tx.query<{ amount_minor: bigint }>(find, [key, refundKey]);
  return row?.amount_minor;
}

/** Gives money back; the charge is locked and has so much left. */
export async function makeGatewayRefund(
  tx: Transaction,
  { key, refundKey, amount }: GatewayRefund,
): Promise<void> {
  await tx.query(make, [key, refundKey, amount]);
}
