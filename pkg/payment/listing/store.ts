import { sql, type BoundStatement, type Queryable } from '../../postgres/index.js';
import type { Payment } from '../domain.js';
import { paymentColumns, toPayment, type PaymentRow } from '../payment-store.js';

const listKnown = sql('payment.list_known', 'select id from payments where id = any($ids)');

/** Returns the ids that belong to a stored payment. */
export async function listKnownPayments(db: Queryable, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  return new Set((await db.query<{ id: string }>(listKnown({ ids }))).map(({ id }) => id));
}

/** Position of a payment in the listing. */
export interface PageKey {
  readonly createdAt: Date;
  readonly id: string;
}

export interface PageRequest {
  /** If set, the page contains only the payments of this order. */
  readonly orderId: string | undefined;
  /** Position of the last payment of the previous page; undefined for the first page. */
  readonly after: PageKey | undefined;
  readonly size: number;
}

export interface Page {
  readonly payments: readonly Payment[];
  readonly hasMore: boolean;
}

const newestFirst = 'order by created_at desc, id desc limit $limit';
const firstPage = sql('payment.list', `select ${paymentColumns} from payments ${newestFirst}`);
const nextPage = sql(
  'payment.list_after',
  `select ${paymentColumns} from payments where (created_at, id) < ($createdAt, $id) ${newestFirst}`,
);
const firstPageOfOrder = sql(
  'payment.list_of_order',
  `select ${paymentColumns} from payments where order_id = $orderId ${newestFirst}`,
);
const nextPageOfOrder = sql(
  'payment.list_of_order_after',
  `select ${paymentColumns} from payments where order_id = $orderId and (created_at, id) < ($createdAt, $id)
   ${newestFirst}`,
);

/** Returns one page of payments, newest first. */
export async function listPayments(db: Queryable, request: PageRequest): Promise<Page> {
  const rows = await db.query<PaymentRow>(pageStatement(request));
  return { payments: rows.slice(0, request.size).map(toPayment), hasMore: rows.length > request.size };
}

function pageStatement({ orderId, after, size }: PageRequest): BoundStatement {
  const limit = size + 1;
  if (!after) return orderId === undefined ? firstPage({ limit }) : firstPageOfOrder({ orderId, limit });
  const key = { ...after, limit };
  return orderId === undefined ? nextPage(key) : nextPageOfOrder({ ...key, orderId });
}
