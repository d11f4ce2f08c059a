import { AppError } from '../errors/index.js';
import { everyLogged, FailureLogger, type FailureLog } from '../runtime/index.js';
import type { Queryable, Transaction } from './database.js';
import { isSameRequest } from './fingerprint.js';
import { sql } from './statement.js';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Idempotency key and fingerprint of a request that changes data and that the caller may repeat. */
export interface KeyedRequest {
  /** Namespace of the key: the method (`AdjustStock`), or the caller and the method (`customer-1/CreateOrder`). */
  readonly scope: string;
  /** Idempotency key from the caller. With an empty key, every request runs. */
  readonly requestId: string;
  /** Fingerprint of all fields of the request. */
  readonly fingerprint: Buffer;
}

const claim = sql(
  'idempotency.claim',
  `insert into idempotency_keys (scope, request_id, fingerprint) values ($scope, $requestId, $fingerprint)
   on conflict do nothing returning true as claimed`,
);
const find = sql(
  'idempotency.find',
  'select fingerprint, response from idempotency_keys where scope = $scope and request_id = $requestId',
);
const store = sql(
  'idempotency.store',
  'update idempotency_keys set response = $response where scope = $scope and request_id = $requestId',
);
const purge = sql(
  'idempotency.purge',
  `with old as (
     select scope, request_id from idempotency_keys
     where created_at < now() - make_interval(hours => $hours)
     order by created_at limit $limit for update skip locked
   ), gone as (
     delete from idempotency_keys k using old
     where k.scope = old.scope and k.request_id = old.request_id returning 1
   )
   select count(*)::int as purged from gone`,
);

/**
 * Runs `work` for the first request with a key and stores the response. A repeated request returns the stored response.
 * The key is inserted before `work` runs, so a concurrent repeated request waits until the first transaction ends. If
 * the first transaction rolls back, the repeated request runs its own `work`.
 *
 * The database must have this table:
 *
 *     create table idempotency_keys (scope text not null, request_id text not null,
 *       fingerprint bytea not null, response jsonb, created_at timestamptz not null default now(),
 *       primary key (scope, request_id));
 *
 * A key whose fingerprint has a later version is not compared.
 *
 * @throws AppError REQUEST_ID_REUSED when the key belongs to a request with another fingerprint
 */
export async function withIdempotencyKey<T extends JsonValue>(
  tx: Transaction,
  { scope, requestId, fingerprint }: KeyedRequest,
  work: () => Promise<T>,
): Promise<{ response: T; replayed: boolean }> {
  if (requestId === '') return { response: await work(), replayed: false };
  const claimed = await tx.query(claim({ scope, requestId, fingerprint }));
  if (claimed.length === 0) {
    return { response: await findResponse<T>(tx, { scope, requestId, fingerprint }), replayed: true };
  }
  const response = await work();
  await tx.query(store({ scope, requestId, response: JSON.stringify(response) }));
  return { response, replayed: false };
}

async function findResponse<T>(tx: Transaction, { scope, requestId, fingerprint }: KeyedRequest): Promise<T> {
  const [first] = await tx.query<{ fingerprint: Buffer; response: T }>(find({ scope, requestId }));
  if (first === undefined) {
    // At READ COMMITTED the purge can delete the key between `claim` and `find`.
    throw new AppError({ reason: 'CONFLICT', message: 'the request_id has just expired' });
  }
  if (!isSameRequest(first.fingerprint, fingerprint)) {
    throw new AppError({
      reason: 'REQUEST_ID_REUSED',
      message: 'this request_id was used for a different request',
      metadata: { request_id: requestId },
    });
  }
  return first.response;
}

/**
 * Deletes up to `limit` keys older than `hours`, oldest first. Concurrent purges skip each other's rows.
 *
 * @returns the number of deleted keys
 */
export async function purgeKeys(db: Queryable, hours: number, limit: number): Promise<number> {
  const [row] = await db.query<{ purged: number }>(purge({ hours, limit }));
  return row?.purged ?? 0;
}

/** The documented retention is 24 hours; keys are kept for twice this time. */
const retentionHours = 48;
const purgeIntervalMs = 600_000;
const purgeBatch = 10_000;

/** Purges expired keys every ten minutes until `close`. Several replicas may purge at the same time. */
export function startKeyPurge(db: Queryable, logger: FailureLog): { close(): Promise<void> } {
  const failures = new FailureLogger(logger, {
    failed: 'purge of request ids failed',
    recovered: 'purge of request ids recovered',
  });
  return everyLogged(
    purgeIntervalMs,
    async (signal) => {
      let purged: number;
      do {
        purged = await purgeKeys(db, retentionHours, purgeBatch);
      } while (purged === purgeBatch && !signal.aborted);
    },
    failures,
  );
}
