import { sql, type Queryable } from '../postgres/index.js';
import type { Payment } from './domain.js';
import { paymentColumns, toPayment, type PaymentRow } from './payment-row.js';

/** The last payment of the page before; the listing goes on after it. */
export interface PageKey {
  readonly createdAt: Date;
  readonly id: string;
}

export interface PageRequest {
  /** Only payments of this order; undefined: all. */
  readonly orderId: string | undefined;
  readonly after: PageKey | undefined;
  readonly size: number;
}

const newestFirst = 'order by created_at desc, id desc limit';
const first = sql('payment.list', `select ${paymentColumns} from payments ${newestFirst} $1`);
const next = sql(
  'payment.list_after',
  `select ${paymentColumns} from payments where (created_at, id) < ($1, $2) ${newestFirst} $3`,
);
const firstOfOrder = sql(
  'payment.list_of_order',
  `select ${paymentColumns} from payments where order_id = $1 ${newestFirst} $2`,
);
const nextOfOrder = sql(
  'payment.list_of_order_after',
  `select ${paymentColumns} from payments where order_id = $1 and (created_at, id) < ($2, $3)
   ${newestFirst} $4`,
);

export interface Page {
  readonly payments: readonly Payment[];
  readonly hasMore: boolean;
}

/** One page of payments, newest first. */
export async function listPayments(db: Queryable, { orderId, after, size }: PageRequest): Promise<Page> {
  const filter = orderId === undefined ? [] : [orderId];
  const key = after ? [after.createdAt, after.id] : [];
  const statement = orderId === undefined ? (after ? next : first) : after ? nextOfOrder : firstOfOrder;
  const rows = await db.query<PaymentRow>(statement, [...filter, ...key, size + 1]);
  return { payments: rows.slice(0, size).map(toPayment), hasMore: rows.length > size };
}
