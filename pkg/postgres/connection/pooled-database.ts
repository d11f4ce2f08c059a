import pg from 'pg';
import { clientConfig, connectWithRetries } from './connect.js';
import { ConnectionQueue, connectionWaitEnded } from './connection-queue.js';
import type {
  Database,
  DatabaseConfig,
  DatabaseLogger,
  PoolStats,
  Transaction,
  TransactionalQueryable,
} from '../database.js';
import { waitUntil, type WaitLimits } from '../../runtime/index.js';
import { errorCode, isConnectionLoss, translateError } from '../errors.js';
import { HealthCheck } from './health-check.js';
import { retryConflicts } from '../retry.js';
import { Session } from './session.js';
import { runStatement, type BoundStatement } from '../statement.js';
import { runTransaction } from '../transaction.js';

/** Maximum number of waiting callers per connection of the pool. */
const waitersPerConnection = 10;

/**
 * Maximum number of sessions that one call takes from the pool until it finds an open one. A failover can end every
 * session of the pool before the driver is notified.
 */
const maxLostSessions = 3;

/** Idle connections stay open for a minute: a new connection costs a handshake and prepares every statement again. */
const idleTimeoutMs = 60_000;

/**
 * Opens a pool, with retries for `connectTimeoutMs` while the server is unreachable.
 *
 * @throws AppError DEPENDENCY_UNAVAILABLE with a remedy when the database cannot be used
 */
export async function openDatabase(config: DatabaseConfig, logger: DatabaseLogger): Promise<Database> {
  await connectWithRetries(config, logger);
  return new PooledDatabase(config, logger);
}

/** A pool that opens its first connection for the first statement. */
export class PooledDatabase implements Database {
  readonly #config: DatabaseConfig;
  readonly #healthCheck: HealthCheck;
  readonly #logger: DatabaseLogger;
  readonly #pool: pg.Pool;
  readonly #queue: ConnectionQueue;
  #closing: Promise<void> | undefined;

  constructor(config: DatabaseConfig, logger: DatabaseLogger) {
    this.#config = config;
    this.#healthCheck = new HealthCheck(config);
    this.#logger = logger;
    this.#queue = new ConnectionQueue({
      places: config.poolMax,
      waiting: waitersPerConnection * config.poolMax,
      timeoutMs: config.connectTimeoutMs,
    });
    this.#pool = new pg.Pool({
      ...clientConfig(config),
      Client: Session,
      max: config.poolMax,
      idleTimeoutMillis: idleTimeoutMs,
    });
    // The pool emits an `error` event for a lost idle connection. Without a listener, this event would end the process.
    this.#pool.on('error', (err) => {
      // The driver attaches the whole client to the error, which would make the log line very long.
      Reflect.deleteProperty(err, 'client');
      logger.warn({ err }, 'idle database connection lost');
    });
  }

  query<Row>(statement: BoundStatement): Promise<Row[]> {
    return this.#attempt((client) => runStatement<Row>(client, statement));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#attempt((client) => runTransaction(client, work));
  }

  within(limits: WaitLimits): TransactionalQueryable {
    return {
      query: <Row>(statement: BoundStatement) =>
        this.#attempt((client) => runStatement<Row>(client, statement), limits),
      transaction: (work) => this.#attempt((client) => runTransaction(client, work), limits),
    };
  }

  isReachable(timeoutMs: number): Promise<boolean> {
    return this.#healthCheck.isReachable(timeoutMs);
  }

  stats(): PoolStats {
    const { totalCount: total, idleCount: idle } = this.#pool;
    return { total, idle, max: this.#config.poolMax, waiting: this.#queue.waiting };
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#pool.end(), this.#healthCheck.close()]).then(() => undefined);
    return this.#closing;
  }

  async #attempt<T>(work: (client: pg.PoolClient) => Promise<T>, limits: WaitLimits = {}): Promise<T> {
    try {
      return await retryConflicts(
        () => this.#withClient(work, limits),
        (fields) => {
          this.#logger.warn(fields, 'database conflict, retrying');
        },
      );
    } catch (error) {
      throw translateError(error);
    }
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>, limits: WaitLimits): Promise<T> {
    const client = await this.#acquire(limits);
    let isBroken = false;
    try {
      return await work(client);
    } catch (error) {
      isBroken = breaksConnection(error);
      throw error;
    } finally {
      // A connection left inside a transaction must never reach the next caller.
      client.release(isBroken || isLost(client) || client.getTransactionStatus() !== 'I');
      this.#queue.leave();
    }
  }

  async #acquire(limits: WaitLimits): Promise<pg.PoolClient> {
    await this.#queue.enter(limits);
    const opening = this.#openSession();
    let client: pg.PoolClient | undefined;
    try {
      client = await waitUntil(opening, limits);
    } catch (error) {
      this.#queue.leave();
      throw error;
    }
    if (client) return client;
    // The place stays taken while the server accepts the connection, which the next caller then uses.
    opening
      .then((late) => late.release())
      .catch(() => undefined)
      .finally(() => this.#queue.leave());
    throw connectionWaitEnded(limits);
  }

  /** A session may end between the moment it becomes ready and its first statement. Another session replaces it. */
  async #openSession(): Promise<pg.PoolClient> {
    for (let attempt = 1; ; attempt += 1) {
      const client = await this.#pool.connect();
      if (!isLost(client) || attempt === maxLostSessions) return client;
      client.release(true);
    }
  }
}

function isLost(client: pg.PoolClient): boolean {
  return client instanceof Session && client.isLost;
}

/** Code 0A000 means that a migration changed the result type of a statement that the connection has prepared. */
function breaksConnection(error: unknown): boolean {
  return isConnectionLoss(error) || isConnectionLoss(causeOf(error)) || errorCode(error) === '0A000';
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
