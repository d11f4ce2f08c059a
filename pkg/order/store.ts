import { money, type Money } from '../money/index.js';
import { sql, type Queryable } from '../postgres/index.js';
import type { OrderLine, OrderState, Rejection, SagaOrder, SagaStep, TimelineEntry } from './domain.js';

/** Columns of an order with its lines, for every statement that reads orders as `o`. */
export const orderColumns = `
  o.id, o.customer_id, o.request_id, o.state, o.currency, o.total_minor, o.rejection, o.payment_method,
  o.reservation_id, o.payment_id, o.refund_id, o.revision, o.traceparent, o.step, o.failures, o.created_at, o.updated_at,
  (select json_agg(json_build_object('sku', l.sku, 'name', l.name, 'quantity', l.quantity,
     'unitPriceMinor', l.unit_price_minor) order by l.sku)
   from order_lines l where l.order_id = o.id) as lines`;

export interface OrderRow {
  id: string;
  customer_id: string;
  request_id: string;
  state: OrderState;
  currency: string;
  total_minor: bigint;
  rejection: Rejection | null;
  payment_method: string;
  reservation_id: string;
  payment_id: string;
  refund_id: string;
  revision: number;
  traceparent: string;
  step: SagaStep;
  failures: number;
  created_at: Date;
  updated_at: Date;
  // Numbers in JSON are exact here: every amount is at most Number.MAX_SAFE_INTEGER.
  lines: { sku: string; name: string; quantity: number; unitPriceMinor: number }[];
}

export function toOrder(row: OrderRow): SagaOrder {
  return {
    id: row.id,
    customerId: row.customer_id,
    requestId: row.request_id,
    state: row.state,
    lines: row.lines.map((line) => toLine(line, row.currency)),
    total: money(row.currency, row.total_minor),
    rejection: row.rejection ?? undefined,
    revision: row.revision,
    reservationId: row.reservation_id,
    paymentId: row.payment_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    paymentMethod: row.payment_method,
    refundId: row.refund_id,
    traceparent: row.traceparent,
    step: row.step,
    failures: row.failures,
  };
}

function toLine(line: OrderRow['lines'][number], currency: string): OrderLine {
  const unitPrice: Money = money(currency, line.unitPriceMinor);
  return { sku: line.sku, name: line.name, quantity: BigInt(line.quantity), unitPrice };
}

const accept = sql(
  'order.accept',
  `with accepted as (
     insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, payment_method,
       reservation_id, payment_id, refund_id, revision, traceparent, step, driver, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $19, 1, $20, $11, $12, $13, $13)
     on conflict (customer_id, request_id) do nothing
     returning id
   ), lines as (
     insert into order_lines (order_id, sku, name, quantity, unit_price_minor)
     select accepted.id, line.sku, line.name, line.quantity, line.unit_price_minor
     from accepted, unnest($14::text[], $15::text[], $16::bigint[], $17::bigint[])
       as line (sku, name, quantity, unit_price_minor)
   ), entry as (
     insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
       trace_id, detail)
     select accepted.id, 1, null, $5, 'ACCEPT', 'SUCCEEDED', 1, $13, $18, '' from accepted
   )
   select id from accepted`,
);

export interface Acceptance {
  readonly order: SagaOrder;
  readonly fingerprint: Buffer;
  readonly driver: string;
  readonly traceId: string;
}

/** Accepts an order in one commit; false when the customer has used the request id before. */
export async function acceptOrder(
  db: Queryable,
  { order, fingerprint, driver, traceId }: Acceptance,
): Promise<boolean> {
  const { lines, total } = order;
  const identity = [order.id, order.customerId, order.requestId, fingerprint, order.state];
  const plan = [
    order.paymentMethod,
    order.reservationId,
    order.paymentId,
    order.step,
    driver,
    order.createdAt,
  ];
  const columns = [
    lines.map(({ sku }) => sku),
    lines.map(({ name }) => name),
    lines.map(({ quantity }) => quantity),
    lines.map(({ unitPrice }) => unitPrice.minor),
  ];
  const rest = [traceId, order.refundId, order.traceparent];
  const values = [...identity, total.currency, total.minor, ...plan, ...columns, ...rest];
  const rows = await db.query(accept, values);
  return rows.length > 0;
}

const findByRequest = sql(
  'order.find_by_request',
  `select o.fingerprint, ${orderColumns} from orders o where o.customer_id = $1 and o.request_id = $2`,
);

/** The order that a customer's request id stands for, with the fingerprint of its request. */
export async function findByRequestId(
  db: Queryable,
  customerId: string,
  requestId: string,
): Promise<{ order: SagaOrder; fingerprint: Buffer } | undefined> {
  const [row] = await db.query<OrderRow & { fingerprint: Buffer }>(findByRequest, [customerId, requestId]);
  return row && { order: toOrder(row), fingerprint: row.fingerprint };
}

const getById = sql('order.get', `select ${orderColumns} from orders o where o.id = $1`);

export async function findOrder(db: Queryable, id: string): Promise<SagaOrder | undefined> {
  const [row] = await db.query<OrderRow>(getById, [id]);
  return row && toOrder(row);
}

const lockById = sql('order.lock', `select ${orderColumns} from orders o where o.id = $1 for update of o`);

/** Reads an order and holds it until the transaction ends. */
export async function lockOrder(tx: Queryable, id: string): Promise<SagaOrder | undefined> {
  const [row] = await tx.query<OrderRow>(lockById, [id]);
  return row && toOrder(row);
}

export interface OrderFilter {
  /** Empty: every customer. */
  readonly customerId: string;
  readonly state: OrderState | undefined;
}

const list = sql(
  'order.list',
  `select ${orderColumns} from orders o
   where ($1 = '' or o.customer_id = $1) and ($2::text is null or o.state = $2) and ($3::uuid is null or o.id < $3)
   order by o.id desc limit $4`,
);

/** Newest first; `after` is the last id of the page before. */
export async function listOrders(
  db: Queryable,
  { customerId, state }: OrderFilter,
  page: { readonly after: string | undefined; readonly size: number },
): Promise<SagaOrder[]> {
  const rows = await db.query<OrderRow>(list, [customerId, state ?? null, page.after ?? null, page.size]);
  return rows.map(toOrder);
}

interface TimelineRow {
  revision: number;
  from_state: OrderState | null;
  to_state: OrderState;
  step: SagaStep;
  outcome: TimelineEntry['outcome'];
  attempt: number;
  occurred_at: Date;
  trace_id: string;
  detail: string;
}

const timeline = sql(
  'order.timeline',
  `select revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id, detail
   from order_timeline where order_id = $1 and revision > $2 order by revision`,
);

/** Entries after a revision, oldest first. */
export async function readTimeline(db: Queryable, orderId: string, after: number): Promise<TimelineEntry[]> {
  const rows = await db.query<TimelineRow>(timeline, [orderId, after]);
  return rows.map((row) => ({
    revision: row.revision,
    from: row.from_state ?? undefined,
    to: row.to_state,
    step: row.step,
    outcome: row.outcome,
    attempt: row.attempt,
    time: row.occurred_at,
    traceId: row.trace_id,
    detail: row.detail,
  }));
}

const positions = sql('order.positions', 'select id, revision, state from orders where id = any($1::uuid[])');

/** Where many orders stand at once. */
export function readPositions(
  db: Queryable,
  ids: readonly string[],
): Promise<{ id: string; revision: number; state: OrderState }[]> {
  return db.query(positions, [ids]);
}
