import { sql, type Queryable } from '../../postgres/index.js';

const heartbeat = sql(
  'saga.heartbeat',
  `insert into instances (id) values ($instance) on conflict (id) do update set heartbeat_at = now()`,
);

/** Stores the heartbeat of an instance with the time of the database. */
export async function storeHeartbeat(db: Queryable, instance: string): Promise<void> {
  await db.query(heartbeat({ instance }));
}

const lock = sql(
  'saga.lock_instance',
  `select pg_try_advisory_lock(hashtextextended($instance, 0)) as locked`,
);

/**
 * Takes the liveness lock of an instance, which the server frees when the session of `session` ends. Returns false
 * while another session holds the lock.
 */
export async function lockInstance(session: Queryable, instance: string): Promise<boolean> {
  const [row] = await session.query<{ locked: boolean }>(lock({ instance }));
  return row?.locked === true;
}

const dead = sql(
  'saga.dead_instances',
  `select i.id from instances i
   where i.id <> $instance and i.heartbeat_at < now() - make_interval(secs => $heartbeatTimeoutMs::float8 / 1000)
     and (i.heartbeat_at < now() - make_interval(secs => $silenceMs::float8 / 1000) or not exists (
       select from pg_locks l
       where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
         and l.database = (select d.oid from pg_database d where d.datname = current_database())
         and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended(i.id::text, 0)))`,
);

export interface LivenessQuery {
  readonly instance: string;
  /** Maximum age of the last heartbeat of a live instance that does not hold its liveness lock. */
  readonly heartbeatTimeoutMs: number;
  /** Maximum age of the last heartbeat of a live instance that holds its liveness lock. */
  readonly silenceMs: number;
}

/**
 * Finds the other instances that are dead: their heartbeat is late and their liveness lock is free, or their last
 * heartbeat is older than `silenceMs`.
 */
export async function findDeadInstances(db: Queryable, query: LivenessQuery): Promise<string[]> {
  return (await db.query<{ id: string }>(dead({ ...query }))).map(({ id }) => id);
}

// With an expression such as `state || ''`, the planner finds orders only by driver. The entries of a state in
// `orders_by_state` include those of all orders that had this state since the last vacuum.
const release = sql(
  'saga.resign',
  `with released as (
     update orders set driver = null where driver = $instance and state || '' in ('PENDING', 'CANCELLING')
   )
   delete from instances where id = $instance`,
);

/** Releases the orders of an instance, so that other instances need not wait for the heartbeat timeout. */
export async function releaseInstanceOrders(db: Queryable, instance: string): Promise<void> {
  await db.query(release({ instance }));
}

const deleteStale = sql(
  'saga.forget_instances',
  `delete from instances i where i.heartbeat_at < now() - interval '1 hour'
     and not exists (select 1 from orders o where o.driver = i.id and o.state || '' in ('PENDING', 'CANCELLING'))`,
);

const adopt = sql(
  'saga.adopt_unknown_drivers',
  `insert into instances (id, heartbeat_at)
   select distinct o.driver, now() - interval '1 hour' from orders o
   where o.driver is not null and o.state || '' in ('PENDING', 'CANCELLING')
     and not exists (select 1 from instances i where i.id = o.driver)
   on conflict (id) do nothing`,
);

/**
 * Deletes instances that have no unfinished order and no heartbeat in the last hour. Adds each driver without a
 * heartbeat row as a dead instance: its row may have been deleted during a pause of more than an hour.
 */
export async function tidyInstances(db: Queryable): Promise<void> {
  await db.query(deleteStale());
  await db.query(adopt());
}
