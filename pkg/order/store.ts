import { money, type Money } from '../money/index.js';
import { sql, type Queryable } from '../postgres/index.js';
import type {
  Block,
  OrderLine,
  OrderState,
  PaymentAction,
  Rejection,
  RejectionReason,
  Resolution,
  SagaOrder,
  SagaStep,
  TimelineEntry,
} from './domain.js';

/**
 * The columns of {@link OrderRow}, for statements that select from `orders o`. An order that an earlier version has
 * accepted has no `lines`; its lines are rows of `order_lines_stored`.
 */
export const orderColumns = `
  o.id, o.customer_id, o.request_id, o.state, o.currency, o.total_minor, o.rejection, o.payment_method,
  o.reservation_id, o.payment_id, o.refund_id, o.revision, o.traceparent, o.step, o.failures, o.created_at, o.updated_at,
  o.refunded_minor, o.payment_action, o.blocked_reason, o.blocked_since, o.next_attempt_at,
  o.resolution, o.refund_pending_minor,
  coalesce(o.lines, (
    select jsonb_agg(jsonb_build_object('sku', l.sku, 'name', l.name, 'quantity', l.quantity,
      'unitPriceMinor', l.unit_price_minor) order by l.sku)
    from order_lines_stored l where l.order_id = o.id)) as lines`;

export interface OrderRow {
  id: string;
  customer_id: string;
  request_id: string;
  state: OrderState;
  currency: string;
  total_minor: bigint;
  rejection: StoredRejection | null;
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
  refunded_minor: bigint;
  payment_action: { url: string; dueTime: string; since?: string } | null;
  blocked_reason: string | null;
  blocked_since: Date | null;
  next_attempt_at: Date | null;
  resolution: Resolution | null;
  refund_pending_minor: bigint;
  // JSON numbers are exact here: amounts are at most Number.MAX_SAFE_INTEGER.
  lines: StoredLine[];
}

interface StoredLine {
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unitPriceMinor: number;
}

/** A rejection as JSON. The earlier version can read `reason`; `exactReason` is the reason of a later version. */
interface StoredRejection extends Rejection {
  readonly exactReason?: string;
}

/** Reasons that the earlier version cannot read. */
const laterReasons = [
  'AUTHORIZATION_EXPIRED',
  'CAPTURE_DECLINED',
  'PAYMENT_ACTION_EXPIRED',
] as const satisfies readonly RejectionReason[];

/** Returns the rejection in a form that the earlier version can read. */
export function toStoredRejection(rejection: Rejection | undefined): StoredRejection | undefined {
  if (!rejection) return undefined;
  const exactReason = laterReasons.find((reason) => reason === rejection.reason);
  return exactReason ? { ...rejection, reason: 'PAYMENT_DECLINED', exactReason } : rejection;
}

function toRejection(stored: StoredRejection | null): Rejection | undefined {
  if (stored === null) return undefined;
  const { exactReason, ...rejection } = stored;
  const reason = laterReasons.find((later) => later === exactReason) ?? rejection.reason;
  return { ...rejection, reason };
}

export function toOrder(row: OrderRow): SagaOrder {
  return {
    id: row.id,
    customerId: row.customer_id,
    requestId: row.request_id,
    state: row.state,
    lines: row.lines.map((line) => toLine(line, row.currency)),
    total: money(row.currency, row.total_minor),
    rejection: toRejection(row.rejection),
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
    refunded: money(row.currency, row.refunded_minor),
    refundPending: money(row.currency, row.refund_pending_minor),
    paymentAction: toPaymentAction(row),
    waitingSince: row.payment_action?.since === undefined ? undefined : new Date(row.payment_action.since),
    block: toBlock(row),
    nextAttemptAt: row.next_attempt_at ?? undefined,
    resolution: row.resolution ?? undefined,
  };
}

/** A stored order with a value that this version cannot read, such as a currency that it does not know. */
export interface UnreadableOrder {
  readonly id: string;
  readonly error: unknown;
}

/** Converts rows; a row that cannot be read does not affect the others. */
export function toOrders(rows: readonly OrderRow[]): {
  readonly orders: SagaOrder[];
  readonly unreadable: UnreadableOrder[];
} {
  const orders: SagaOrder[] = [];
  const unreadable: UnreadableOrder[] = [];
  for (const row of rows) {
    try {
      orders.push(toOrder(row));
    } catch (error) {
      unreadable.push({ id: row.id, error });
    }
  }
  return { orders, unreadable };
}

function toPaymentAction({ payment_action: action }: OrderRow): PaymentAction | undefined {
  return action === null ? undefined : { url: action.url, dueAt: new Date(action.dueTime) };
}

/**
 * An older version may finish a blocked order and leave its block columns set, so only a CANCELLING order has a block.
 */
function toBlock({ state, blocked_reason: reason, blocked_since: since }: OrderRow): Block | undefined {
  return state !== 'CANCELLING' || reason === null || since === null ? undefined : { reason, since };
}

function toLine(line: StoredLine, currency: string): OrderLine {
  const unitPrice: Money = money(currency, line.unitPriceMinor);
  return { sku: line.sku, name: line.name, quantity: BigInt(line.quantity), unitPrice };
}

function toStoredLine({ sku, name, quantity, unitPrice }: OrderLine): StoredLine {
  return { sku, name, quantity: Number(quantity), unitPriceMinor: Number(unitPrice.minor) };
}

// The timeline entry is inserted only for accepted orders. The order of the keys is the lock order of concurrent batches.
const accept = sql(
  'order.accept',
  `with item as materialized (
     select * from json_to_recordset($orders::json) as item (id uuid, customer_id text, request_id text,
       fingerprint text, state text, currency text, total_minor bigint, payment_method text, reservation_id uuid,
       payment_id uuid, refund_id uuid, traceparent text, step text, driver uuid, created_at timestamptz,
       trace_id text, lines jsonb)
   ), accepted as (
     insert into orders (id, customer_id, request_id, fingerprint, state, currency, total_minor, payment_method,
       reservation_id, payment_id, refund_id, revision, traceparent, step, driver, created_at, updated_at,
       lines)
     select id, customer_id, request_id, decode(fingerprint, 'base64'), state, currency, total_minor, payment_method,
       reservation_id, payment_id, refund_id, 1, traceparent, step, driver, created_at, created_at,
       lines
     from item order by customer_id, request_id
     on conflict (customer_id, request_id) do nothing
     returning id
   ), entry as (
     insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
       trace_id, detail)
     select id, 1, null, item.state, 'ACCEPT', 'SUCCEEDED', 1, item.created_at, item.trace_id, ''
     from accepted join item using (id)
   )
   select id from accepted`,
);

export interface Acceptance {
  readonly order: SagaOrder;
  readonly fingerprint: Buffer;
  readonly driver: string;
  readonly traceId: string;
}

/**
 * Stores new orders with different request ids in one commit. Returns the ids of the stored orders; an order whose
 * customer has used its request id before is not stored.
 */
export async function acceptOrders(
  db: Queryable,
  acceptances: readonly Acceptance[],
): Promise<ReadonlySet<string>> {
  const orders = JSON.stringify(acceptances.map(acceptanceRow));
  const rows = await db.query<{ id: string }>(accept({ orders }));
  return new Set(rows.map(({ id }) => id));
}

function acceptanceRow({ order, fingerprint, driver, traceId }: Acceptance) {
  return {
    id: order.id,
    customer_id: order.customerId,
    request_id: order.requestId,
    fingerprint: fingerprint.toString('base64'),
    state: order.state,
    currency: order.total.currency,
    total_minor: String(order.total.minor),
    payment_method: order.paymentMethod,
    reservation_id: order.reservationId,
    payment_id: order.paymentId,
    refund_id: order.refundId,
    traceparent: order.traceparent,
    step: order.step,
    driver,
    created_at: order.createdAt,
    trace_id: traceId,
    lines: order.lines.map(toStoredLine),
  };
}

const findByRequest = sql(
  'order.find_by_request',
  `select o.fingerprint, ${orderColumns} from orders o where o.customer_id = $customerId and o.request_id = $requestId`,
);

/** Finds the order of a request id, with the fingerprint of the request. */
export async function findByRequestId(
  db: Queryable,
  customerId: string,
  requestId: string,
): Promise<{ order: SagaOrder; fingerprint: Buffer } | undefined> {
  const statement = findByRequest({ customerId, requestId });
  const [row] = await db.query<OrderRow & { fingerprint: Buffer }>(statement);
  return row && { order: toOrder(row), fingerprint: row.fingerprint };
}

const getByIds = sql('order.get', `select ${orderColumns} from orders o where o.id = any($ids::uuid[])`);

/** Reads orders. The result has no row for an unknown order. */
export function findOrderRows(db: Queryable, ids: readonly string[]): Promise<OrderRow[]> {
  return db.query<OrderRow>(getByIds({ ids }));
}

export async function findOrder(db: Queryable, id: string): Promise<SagaOrder | undefined> {
  const [row] = await findOrderRows(db, [id]);
  return row && toOrder(row);
}

const lockById = sql('order.lock', `select ${orderColumns} from orders o where o.id = $id for update of o`);

/** Reads an order and locks its row until the transaction ends. */
export async function lockOrder(tx: Queryable, id: string): Promise<SagaOrder | undefined> {
  const [row] = await tx.query<OrderRow>(lockById({ id }));
  return row && toOrder(row);
}

/** Steps that the earlier version cannot read, each with the step that is stored instead. */
const readableSteps = {
  REFUND_ORDER: 'REFUND_PAYMENT',
  RETRY_ORDER: 'REQUEST_CANCELLATION',
  RESOLVE_ORDER: 'REQUEST_CANCELLATION',
} as const satisfies Partial<Record<SagaStep, SagaStep>>;

function isAction(step: string): step is keyof typeof readableSteps {
  return Object.hasOwn(readableSteps, step);
}

/** Returns the columns `step` and `action` of a timeline entry. */
export function toStoredStep(step: SagaStep): { readonly step: SagaStep; readonly action?: string } {
  return isAction(step) ? { step: readableSteps[step], action: step } : { step };
}

interface TimelineRow {
  revision: number;
  from_state: OrderState | null;
  to_state: OrderState;
  step: SagaStep;
  action: string | null;
  outcome: TimelineEntry['outcome'];
  attempt: number;
  occurred_at: Date;
  trace_id: string;
  detail: string;
  actor: string;
}

const timeline = sql(
  'order.timeline',
  `select revision, from_state, to_state, step, action, outcome, attempt, occurred_at, trace_id, detail, actor
   from order_timeline where order_id = $orderId and revision > $after order by revision`,
);

/** Reads the timeline entries after a revision, oldest first. */
export async function readTimeline(db: Queryable, orderId: string, after: number): Promise<TimelineEntry[]> {
  const rows = await db.query<TimelineRow>(timeline({ orderId, after }));
  return rows.map((row) => ({
    revision: row.revision,
    from: row.from_state ?? undefined,
    to: row.to_state,
    step: row.action !== null && isAction(row.action) ? row.action : row.step,
    outcome: row.outcome,
    attempt: row.attempt,
    time: row.occurred_at,
    traceId: row.trace_id,
    detail: row.detail,
    actor: row.actor || undefined,
  }));
}

const positions = sql(
  'order.positions',
  'select id, revision, state from orders where id = any($ids::uuid[])',
);

/** Reads the revision and state of orders. The result has no entry for an unknown order. */
export function readPositions(
  db: Queryable,
  ids: readonly string[],
): Promise<{ id: string; revision: number; state: OrderState }[]> {
  return db.query(positions({ ids }));
}
