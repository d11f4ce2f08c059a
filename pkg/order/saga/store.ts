import { sql, type Queryable } from '../../postgres/index.js';
import { isTerminal, type SagaOrder, type TimelineEntry } from '../domain.js';
import { toStoredRejection, toStoredStep } from '../store.js';

// Orders are locked in the order of their ids. `target` has the orders with the expected revision and driver; after the
// wait for a lock, PostgreSQL checks both again.
const record = sql(
  'saga.record',
  `with item as materialized (
     select * from json_to_recordset($items::json) as item (id uuid, expected_revision int, expected_driver uuid,
       state text, step text, failures int, rejection jsonb, revision int, next_driver uuid, updated_at timestamptz,
       refund_id uuid, park_ms float8, blocked_reason text, payment_action jsonb, refunded_minor bigint, entries json)
   ), target as materialized (
     select o.id from orders o join item on item.id = o.id
     where o.id = any ($ids::uuid[]) and o.revision = item.expected_revision
       and (item.expected_driver is null or o.driver = item.expected_driver)
     order by o.id for update of o
   ), updated as (
     update orders o set state = item.state, step = item.step, failures = item.failures, rejection = item.rejection,
       revision = item.revision, driver = item.next_driver, updated_at = item.updated_at, refund_id = item.refund_id,
       next_attempt_at = now() + make_interval(secs => item.park_ms / 1000), blocked_reason = item.blocked_reason,
       blocked_since = case when item.blocked_reason is not null then coalesce(o.blocked_since, now()) end,
       payment_action = item.payment_action, refunded_minor = item.refunded_minor
     from item where o.id = any (array(select id from target)) and item.id = o.id
     returning o.id
   ), entries as (
     insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
       trace_id, detail, actor, action)
     select updated.id, entry.*
     from updated join item using (id)
     cross join json_to_recordset(item.entries) as entry (revision int, from_state text, to_state text, step text,
       outcome text, attempt int, occurred_at timestamptz, trace_id text, detail text, actor text, action text)
   )
   select id from updated`,
);

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
 * order has another revision or driver than expected.
 */
export async function recordProgress(db: Queryable, progress: Progress): Promise<boolean> {
  return (await recordAll(db, [progress])).has(progress.order.id);
}

/** Like {@link recordProgress}, for different orders. Returns the ids of the orders that were stored. */
export async function recordAll(
  db: Queryable,
  progresses: readonly Progress[],
): Promise<ReadonlySet<string>> {
  const items = JSON.stringify(progresses.map(progressRow));
  const rows = await db.query<{ id: string }>(
    record({ items, ids: progresses.map(({ order }) => order.id) }),
  );
  return new Set(rows.map(({ id }) => id));
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
