import type { Statement } from './statement.js';

export { sql, type Statement } from './statement.js';

export interface DatabaseConfig {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Most connections open at once. */
  readonly poolMax: number;
  /** Longest wait for a connection, milliseconds: at start in all, later for each call. */
  readonly connectTimeoutMs: number;
  /** Longest a statement may run on the server, milliseconds. */
  readonly statementTimeoutMs: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Settings of the server for these sessions, such as `random_page_cost`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly max: number;
  readonly waiting: number;
}

export interface DatabaseLogger {
  warn(fields: object, message: string): void;
}

/**
 * Runs statements. Rows carry `bigint` for int8, `Date` for timestamptz, `Buffer` for bytea and
 * parsed values for jsonb; `numeric` stays text. A parameter that is an array becomes a PostgreSQL
 * array: pass jsonb parameters as `JSON.stringify(value)`.
 */
export interface Queryable {
  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/** One open transaction, usable only inside the `work` it was handed to, one statement at a time. */
export interface Transaction extends Queryable {
  readonly kind: 'transaction';
}

/**
 * A pool of connections to one database. `query` runs a single statement and commits it.
 *
 * Every call throws AppError DEPENDENCY_UNAVAILABLE when the connection is lost (whatever was being
 * committed is then in doubt and is not repeated), OVERLOADED when no connection is to be had,
 * DEADLINE_EXCEEDED when a statement runs longer than `statementTimeoutMs`, and CONFLICT when it
 * still meets other transactions after the retries. Other database errors pass unchanged.
 */
export interface Database extends Queryable {
  /**
   * Runs `work` between BEGIN and COMMIT at READ COMMITTED. Serialization failures and deadlocks
   * are retried up to 3 times, so `work` may run several times: no RPC inside.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Whether the server answers `select 1` within `timeoutMs`, on a connection of its own. */
  isReachable(timeoutMs: number): Promise<boolean>;
  /** Connections: open, unused among them, most that may be open, and callers waiting for one. */
  stats(): PoolStats;
  /** Waits for the calls under way and closes every connection. May be called again. */
  close(): Promise<void>;
}
