import type { WaitLimits } from '../runtime/index.js';
import type { BoundStatement } from './statement.js';

export interface DatabaseConfig {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Maximum number of open connections. */
  readonly poolMax: number;
  /**
   * At start-up, limits the total time of all connection attempts; later, limits each wait for a connection of the
   * pool.
   */
  readonly connectTimeoutMs: number;
  /** The server enforces this timeout. */
  readonly statementTimeoutMs: number;
  /** Name of the session in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** Session settings such as `random_page_cost`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PoolStats {
  /** Open connections. */
  readonly total: number;
  /** Open connections that no caller uses. */
  readonly idle: number;
  /** Maximum number of open connections. */
  readonly max: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

export interface DatabaseLogger {
  warn(fields: object, message: string): void;
}

/**
 * Runs statements. Rows have `bigint` for int8, `Date` for timestamptz, `Buffer` for bytea and parsed values for
 * jsonb; `numeric` stays text. An array parameter becomes a PostgreSQL array: pass jsonb parameters as
 * `JSON.stringify(value)`.
 */
export interface Queryable {
  query<Row>(statement: BoundStatement): Promise<Row[]>;
}

/**
 * An open transaction, which runs one statement at a time. The transaction ends when its `work` returns or throws.
 */
export interface Transaction extends Queryable {
  readonly kind: 'transaction';
}

/**
 * Runs statements and transactions. `query` runs one statement in autocommit mode.
 *
 * `query` and `transaction` throw AppError DEPENDENCY_UNAVAILABLE when the connection is lost (the outcome is then in
 * doubt, and the work is not repeated), OVERLOADED when the pool is exhausted, DEADLINE_EXCEEDED when a statement
 * exceeds `statementTimeoutMs`, and CONFLICT when conflicts with other transactions persist after the retries. They
 * rethrow other database errors unchanged.
 */
export interface TransactionalQueryable extends Queryable {
  /**
   * Runs `work` between BEGIN and COMMIT at READ COMMITTED. Serialization failures, deadlocks and lock
   * timeouts are retried up to 3 times, so `work` may run several times and must not make RPCs.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
}

/** A connection pool of one database. */
export interface Database extends TransactionalQueryable {
  /**
   * Returns this database for the statements of one call. The limits apply to the wait for a connection. A statement that waits for a connection leaves the queue with
   * DEADLINE_EXCEEDED at the deadline of the call, or with the reason of its signal. Statements that must be executed
   * after the call has an effect elsewhere, such as the record of a payment, use the database without limits.
   */
  within(limits: WaitLimits): TransactionalQueryable;
  /**
   * Returns true when `select 1` succeeds on a connection outside of the pool. `timeoutMs` limits the connection and
   * each statement, not their sum.
   */
  isReachable(timeoutMs: number): Promise<boolean>;
  stats(): PoolStats;
  /** Waits for running statements and transactions and closes every connection. Repeated calls have no effect. */
  close(): Promise<void>;
}
