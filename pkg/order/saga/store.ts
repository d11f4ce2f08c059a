import { sql, type Queryable } from '../../postgres/index.js';
import { isTerminal, type SagaOrder, type TimelineEntry } from '../domain.js';
import { rejectionJson, stepColumns } from '../store.js';

const record = sql(
  'saga.record',
  `with updated as (
     update orders set state = $state, step = $step, failures = $failures, rejection = $rejection,
       revision = $revision, driver = $nextDriver, updated_at = $updatedAt, refund_id = $refundId,
       next_attempt_at = now() + make_interval(secs => $parkMs::float8 / 1000),
       blocked_reason = $blockedReason, blocked_since = case when $blockedReason::text is not null then coalesce(blocked_since, now()) end,
       payment_action = $paymentAction, refunded_minor = $refundedMinor
     where id = $id and revision = $expectedRevision and ($expectedDriver::uuid is null or driver = $expectedDriver)
     returning id
   ), entries as (
     insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
       trace_id, detail, actor, action)
     select updated.id, entry.revision, entry.from_state, entry.to_state, entry.step, entry.outcome, entry.attempt,
       entry.occurred_at, entry.trace_id, entry.detail, entry.actor, entry.action
     from updated, unnest($revisions::int[], $fromStates::text[], $toStates::text[], $steps::text[],
       $outcomes::text[], $attempts::int[], $times::timestamptz[], $traceIds::text[], $details::text[],
       $actors::text[], $actions::text[])
       as entry (revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id, detail, actor, action)
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
export async function recordProgress(
  db: Queryable,
  { order, entries, expected, next }: Progress,
): Promise<boolean> {
  const { id, state, step, failures, rejection, revision, updatedAt } = order;
  const statement = record({
    id,
    expectedRevision: expected.revision,
    expectedDriver: expected.driver ?? null,
    state,
    step,
    failures,
    rejection: rejectionJson(rejection),
    revision,
    nextDriver: next.kind === 'DRIVEN' && !isTerminal(state) ? next.driver : null,
    parkMs: next.kind === 'PARKED' && !isTerminal(state) ? next.delayMs : null,
    updatedAt,
    refundId: order.refundId,
    blockedReason: order.block?.reason ?? null,
    paymentAction: storedAction(order),
    refundedMinor: order.refunded.minor,
    revisions: entries.map((entry) => entry.revision),
    fromStates: entries.map(({ from }) => from ?? null),
    toStates: entries.map(({ to }) => to),
    ...stepColumns(entries),
    outcomes: entries.map(({ outcome }) => outcome),
    attempts: entries.map(({ attempt }) => attempt),
    times: entries.map(({ time }) => time),
    traceIds: entries.map(({ traceId }) => traceId),
    details: entries.map(({ detail }) => detail),
    actors: entries.map(({ actor }) => actor ?? ''),
  });
  return (await db.query(statement)).length > 0;
}

function storedAction({ paymentAction, waitingSince }: SagaOrder): string | null {
  if (!paymentAction) return null;
  const { url, dueAt } = paymentAction;
  return JSON.stringify({ url, dueTime: dueAt.toISOString(), since: waitingSince?.toISOString() });
}
