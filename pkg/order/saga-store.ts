import { sql, type Queryable } from '../postgres/index.js';
import type { SagaOrder, TimelineEntry } from './domain.js';
import { isResting } from './domain.js';
import { orderColumns, toOrder, type OrderRow } from './store.js';

const record = sql(
  'saga.record',
  `with updated as (
     update orders set state = $4, step = $5, failures = $6, rejection = $7, revision = $8, driver = $9, updated_at = $10
     where id = $1 and revision = $2 and ($3::uuid is null or driver = $3)
     returning id
   ), entries as (
     insert into order_timeline (order_id, revision, from_state, to_state, step, outcome, attempt, occurred_at,
       trace_id, detail)
     select updated.id, entry.revision, entry.from_state, entry.to_state, entry.step, entry.outcome, entry.attempt,
       entry.occurred_at, entry.trace_id, entry.detail
     from updated, unnest($11::int[], $12::text[], $13::text[], $14::text[], $15::text[], $16::int[],
       $17::timestamptz[], $18::text[], $19::text[])
       as entry (revision, from_state, to_state, step, outcome, attempt, occurred_at, trace_id, detail)
   )
   select id from updated`,
);

export interface Progress {
  /** The order after the entries. */
  readonly order: SagaOrder;
  readonly entries: readonly TimelineEntry[];
  /** What the order must still be at for the write to count; without driver, whoever drives it. */
  readonly fence: { readonly revision: number; readonly driver?: string };
  /** Who drives it from now on, unless it rests. */
  readonly driver: string;
}

/**
 * Stores where a saga stands together with its timeline, in one commit. False when the order has moved
 * on or is driven by another instance: then nothing is written.
 */
export async function recordProgress(
  db: Queryable,
  { order, entries, fence, driver }: Progress,
): Promise<boolean> {
  const fenced = [order.id, fence.revision, fence.driver ?? null];
  const rejection = order.rejection ? JSON.stringify(order.rejection) : null;
  const nextDriver = isResting(order.state) ? null : driver;
  const state = [
    order.state,
    order.step,
    order.failures,
    rejection,
    order.revision,
    nextDriver,
    order.updatedAt,
  ];
  const columns = [
    entries.map(({ revision }) => revision),
    entries.map(({ from }) => from ?? null),
    entries.map(({ to }) => to),
    entries.map(({ step }) => step),
    entries.map(({ outcome }) => outcome),
    entries.map(({ attempt }) => attempt),
    entries.map(({ time }) => time),
    entries.map(({ traceId }) => traceId),
    entries.map(({ detail }) => detail),
  ];
  const rows = await db.query(record, [...fenced, ...state, ...columns]);
  return rows.length > 0;
}

const heartbeat = sql(
  'saga.heartbeat',
  `insert into instances (id) values ($1) on conflict (id) do update set heartbeat_at = now()`,
);

/** Tells the other instances that this one lives. */
export async function beat(db: Queryable, instance: string): Promise<void> {
  await db.query(heartbeat, [instance]);
}

const claim = sql(
  'saga.claim',
  `with claimable as (
     select o.id from orders o
     where o.state in ('PENDING', 'CANCELLING')
       and case when o.driver = $1 then o.updated_at < now() - make_interval(secs => $4::double precision / 1000)
                                        and o.id <> all ($2::uuid[])
                else o.driver is null or not exists (
                  select 1 from instances i where i.id = o.driver
                  and i.heartbeat_at > now() - make_interval(secs => $3::double precision / 1000)) end
     order by o.id limit $5 for update of o skip locked
   )
   update orders o set driver = $1 from claimable where o.id = claimable.id returning ${orderColumns}`,
);

export interface Claim {
  readonly instance: string;
  /** Orders that `instance` is at work on. */
  readonly active: readonly string[];
  /** After which silence an instance counts as dead, milliseconds. */
  readonly silenceMs: number;
  /** Age after which an order of this very instance that nobody is at work on is picked up, milliseconds. */
  readonly orphanMs: number;
  readonly limit: number;
}

/**
 * Takes over unfinished orders that nobody drives: of silent instances, released ones, and those whose
 * acceptance this instance never learned of. Several instances may claim at once.
 */
export async function claimStalledOrders(db: Queryable, options: Claim): Promise<SagaOrder[]> {
  const { instance, active, silenceMs, orphanMs, limit } = options;
  const rows = await db.query<OrderRow>(claim, [instance, active, silenceMs, orphanMs, limit]);
  return rows.map(toOrder);
}

const resign = sql(
  'saga.resign',
  `with released as (update orders set driver = null where driver = $1 and state in ('PENDING', 'CANCELLING'))
   delete from instances where id = $1`,
);

/** Gives up everything an instance drives, so that others need not wait for its silence. */
export async function resignInstance(db: Queryable, instance: string): Promise<void> {
  await db.query(resign, [instance]);
}

const forget = sql(
  'saga.forget_instances',
  `delete from instances i where i.heartbeat_at < now() - interval '1 hour'
     and not exists (select 1 from orders o where o.driver = i.id and o.state in ('PENDING', 'CANCELLING'))`,
);

/** Removes instances that are long gone. */
export async function forgetInstances(db: Queryable): Promise<void> {
  await db.query(forget);
}
