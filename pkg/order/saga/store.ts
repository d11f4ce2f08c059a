import { sql, type Queryable } from '../../postgres/index.js';
import { isTerminal, type SagaOrder, type TimelineEntry } from '../domain.js';
import { toStoredRejection, toStoredStep } from '../store.js';

/**
 * Stores orders. `lock` is the locking clause of the rows, which are locked in the order of their ids. The revision and
 * the driver are compared in the locked rows. Returns whether each order was stored; no value for an order that is not locked.
 */
function record<const Lock extends string>(lock: Lock) {
  return `with item as materialized (
     select * from json_to_recordset($items::json) as item (id uuid, expected_revision int, expected_driver uuid,
       state text, step text, failures int, rejection jsonb, revision int, next_driver uuid, updated_at timestamptz,
       refund_id uuid, park_ms float8, blocked_reason text, payment_action jsonb, refunded_minor bigint, entries json)
   ), locked as materialized (
     select id, revision, driver from orders where id = any ($ids::uuid[]) order by id ${lock}
   ), target as materialized (
     select item.* from item join locked on locked.id = item.id
     where locked.revision = item.expected_revision
       and (item.expected_driver is null or locked.driver = item.expected_driver)
   ), updated as (
     update orders o set state = item.state, step = item.step, failures = item.failures, rejection = item.rejection,
       revision = item.revision, driver = item.next_driver, updated_at = item.updated_at, refund_id = item.refund_id,
       next_attempt_at = now() + make_interval(secs => item.park_ms / 1000), blocked_reason = item.blocked_reason,
       blocked_since = case when item.blocked_reason is not null then coalesce(o.blocked_since, now()) end,
       payment_action = item.payment_action, refunded_minor = item.refunded_minor
     from target item where o.id = any ($ids::uuid[]) and item.id = o.id
     returning o.id
   ), entries as (
     insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
       trace_id, detail, actor, action)
     select updated.id, entry.*
     from updated join item using (id)
     cross join json_to_recordset(item.entries) as entry (revision int, from_state text, to_state text, step text,
       outcome text, attempt int, occurred_at timestamptz, trace_id text, detail text, actor text, action text)
   )
   select item.id, updated.id is not null as stored
   from item left join locked on locked.id = item.id left join updated on updated.id = item.id
   where locked.id is not null or not exists (select from orders where id = item.id)` as const;
}

const recordUnlocked = sql('saga.record', record('for update skip locked'));
const recordWaiting = sql('saga.record_waiting', record('for update'));

/**
 * How an unfinished order continues: an instance drives it (DRIVEN), any instance claims it at once (RELEASED) or after
 * a delay (PARKED), or it is blocked until an operator acts (BLOCKED).
 */
export type NextDrive =
  | { readonly kind: 'DRIVEN'; readonly driver: string }
  | { readonly kind: 'RELEASED' }
  | { readonly kind: 'PARKED'; readonly delayMs: number }
  | { readonly kind: 'BLOCKED' };

export interface Progress {
  /** The order after the last of `entries`. */
  readonly order: SagaOrder;
  readonly entries: readonly TimelineEntry[];
  /** Expected revision and driver (optimistic lock). Without a driver, only the revision is checked. */
  readonly expected: { readonly revision: number; readonly driver?: string };
  /** What happens next with an order that is not terminal. */
  readonly next: NextDrive;
}

/**
 * Stores an order and its new timeline entries in one commit. Writes nothing and returns false when the
 * order has another revision or driver than expected. Waits while another transaction holds the row.
 */
export async function recordProgress(db: Queryable, progress: Progress): Promise<boolean> {
  const rows = await db.query<RecordRow>(recordWaiting(toParameters([progress])));
  return rows.some(({ stored }) => stored);
}

interface RecordRow {
  readonly id: string;
  readonly stored: boolean;
}

/**
 * Like {@link recordProgress}, for different orders, without a wait: the result has no value for an order whose row another
 * transaction holds.
 */
export async function recordAll(
  db: Queryable,
  progresses: readonly Progress[],
): Promise<ReadonlyMap<string, boolean>> {
  const rows = await db.query<RecordRow>(recordUnlocked(toParameters(progresses)));
  return new Map(rows.map(({ id, stored }) => [id, stored]));
}

function toParameters(progresses: readonly Progress[]) {
  const items = JSON.stringify(progresses.map(progressRow));
  return { items, ids: progresses.map(({ order }) => order.id) };
}

function progressRow({ order, entries, expected, next }: Progress) {
  const isActive = !isTerminal(order.state);
  return {
    id: order.id,
    expected_revision: expected.revision,
    expected_driver: expected.driver,
    state: order.state,
    step: order.step,
    failures: order.failures,
    rejection: toStoredRejection(order.rejection),
    revision: order.revision,
    next_driver: next.kind === 'DRIVEN' && isActive ? next.driver : undefined,
    updated_at: order.updatedAt,
    refund_id: order.refundId,
    park_ms: next.kind === 'PARKED' && isActive ? next.delayMs : undefined,
    blocked_reason: order.block?.reason,
    payment_action: storedAction(order),
    refunded_minor: String(order.refunded.minor),
    entries: entries.map(entryRow),
  };
}

function entryRow(entry: TimelineEntry) {
  return {
    revision: entry.revision,
    from_state: entry.from,
    to_state: entry.to,
    ...toStoredStep(entry.step),
    outcome: entry.outcome,
    attempt: entry.attempt,
    occurred_at: entry.time,
    trace_id: entry.traceId,
    // PostgreSQL rejects JSON with half of a surrogate pair, which a shortened text can end with.
    detail: entry.detail.toWellFormed(),
    actor: entry.actor ?? '',
  };
}

function storedAction({ paymentAction, waitingSince }: SagaOrder) {
  if (!paymentAction) return undefined;
  const { url, dueAt } = paymentAction;
  return { url, dueTime: dueAt.toISOString(), since: waitingSince?.toISOString() };
}
