import { createHash } from 'node:crypto';
import { AppError } from '../errors/app-error.js';
import { type Queryable, sql, type Transaction } from './database.js';
import { type Canonical, canonicalJson, type JsonValue } from './json.js';

/** One attempt at a mutation that a caller may repeat. */
export interface KeyedRequest {
  /** Whose key it is and for what, such as `customer-1/CreateOrder`. */
  readonly scope: string;
  /** The caller's key; empty means that the caller wants no such protection. */
  readonly requestId: string;
  /** Of everything the request asks for. */
  readonly fingerprint: Buffer;
}

const claim = sql(
  'idempotency.claim',
  `insert into idempotency_keys (scope, request_id, fingerprint) values ($1, $2, $3)
   on conflict do nothing returning true as claimed`,
);
const find = sql(
  'idempotency.find',
  'select fingerprint, response from idempotency_keys where scope = $1 and request_id = $2',
);
const store = sql(
  'idempotency.store',
  'update idempotency_keys set response = $3 where scope = $1 and request_id = $2',
);
const purge = sql(
  'idempotency.purge',
  `with old as (
     select scope, request_id from idempotency_keys
     where created_at < now() - make_interval(hours => $1)
     order by created_at limit $2 for update skip locked
   ), gone as (
     delete from idempotency_keys k using old
     where k.scope = old.scope and k.request_id = old.request_id returning 1
   )
   select count(*)::int as purged from gone`,
);

/**
 * Runs `work` for the first request of a key and answers its repeats with the stored response.
 * The key is claimed before `work` runs: a concurrent repeat waits until the first commits (and is
 * then a replay) or rolls back (and then does the work itself).
 *
 * Works over the caller's table
 *
 *     create table idempotency_keys (scope text not null, request_id text not null,
 *       fingerprint bytea not null, response jsonb, created_at timestamptz not null default now(),
 *       primary key (scope, request_id));
 *
 * @throws AppError REQUEST_ID_REUSED when the key was used for another request
 */
export async function once<T extends JsonValue>(
  tx: Transaction,
  request: KeyedRequest,
  work: () => Promise<T>,
): Promise<{ response: T; replayed: boolean }> {
  if (request.requestId === '') return { response: await work(), replayed: false };
  const key = [request.scope, request.requestId];
  const claimed = await tx.query(claim, [...key, request.fingerprint]);
  if (claimed.length === 0) return { response: await findResponse<T>(tx, request), replayed: true };
  const response = await work();
  await tx.query(store, [...key, JSON.stringify(response)]);
  return { response, replayed: false };
}

async function findResponse<T>(tx: Transaction, request: KeyedRequest): Promise<T> {
  const [first] = await tx.query<{ fingerprint: Buffer; response: T }>(find, [
    request.scope,
    request.requestId,
  ]);
  if (first === undefined) throw purgedMeanwhile();
  if (!first.fingerprint.equals(request.fingerprint)) {
    throw new AppError({
      reason: 'REQUEST_ID_REUSED',
      message: 'this request_id was used for a different request',
      metadata: { request_id: request.requestId },
    });
  }
  return first.response;
}

/** Seen at READ COMMITTED only when the purge takes the key between our two statements. */
function purgedMeanwhile(): AppError {
  return new AppError({ reason: 'CONFLICT', message: 'the request_id has just expired' });
}

/** SHA-256 over the canonical JSON of `value`. */
export function fingerprint(value: Canonical): Buffer {
  return createHash('sha256').update(canonicalJson(value)).digest();
}

/**
 * Forgets up to `limit` keys older than `olderThanHours`, oldest first; several may run at once.
 *
 * @returns how many
 */
export async function purgeKeys(db: Queryable, olderThanHours: number, limit: number): Promise<number> {
  const [row] = await db.query<{ purged: number }>(purge, [olderThanHours, limit]);
  return row?.purged ?? 0;
}
