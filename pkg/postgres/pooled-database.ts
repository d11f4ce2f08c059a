import pg from 'pg';
import { AppError } from '../errors/app-error.js';
import { clientConfig } from './client-config.js';
import type { Database, DatabaseConfig, DatabaseLogger, PoolStats, Transaction } from './database.js';
import { errorCode, isConnectionLoss, translateError } from './errors.js';
import { Probe } from './probe.js';
import { retryConflicts } from './retry.js';
import { runStatement } from './run-statement.js';
import type { Statement } from './statement.js';
import { runTransaction } from './transaction.js';

/** Callers allowed to wait for a connection, for each connection of the pool. */
const waitersPerConnection = 10;

/** A new connection costs a handshake and the preparing of every statement. */
const keepIdleMs = 60_000;

/** The `Database` of `openDatabase`. */
export class PooledDatabase implements Database {
  readonly #config: DatabaseConfig;
  readonly #probe: Probe;
  readonly #logger: DatabaseLogger;
  readonly #pool: pg.Pool;
  #closing: Promise<void> | undefined;

  constructor(config: DatabaseConfig, logger: DatabaseLogger) {
    this.#config = config;
    this.#probe = new Probe(config);
    this.#logger = logger;
    this.#pool = new pg.Pool({ ...clientConfig(config), max: config.poolMax, idleTimeoutMillis: keepIdleMs });
    // An idle connection that breaks is an event, and one without a listener ends the process.
    this.#pool.on('error', (err) => {
      // The driver hangs the whole client on it, which would fill the log.
      Reflect.deleteProperty(err, 'client');
      logger.warn({ err }, 'idle database connection lost');
    });
  }

  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    return this.#attempt((client) => runStatement<Row>(client, statement, values));
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#attempt((client) => runTransaction(client, work));
  }

  isReachable(timeoutMs: number): Promise<boolean> {
    return this.#probe.answers(timeoutMs);
  }

  stats(): PoolStats {
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.#pool;
    return { total, idle, max: this.#config.poolMax, waiting };
  }

  close(): Promise<void> {
    this.#closing ??= Promise.all([this.#pool.end(), this.#probe.close()]).then(() => undefined);
    return this.#closing;
  }

  async #attempt<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    try {
      return await retryConflicts(
        () => this.#withClient(work),
        (fields) => {
          this.#logger.warn(fields, 'database conflict, trying again');
        },
      );
    } catch (error) {
      throw translateError(error);
    }
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#pool.waitingCount >= waitersPerConnection * this.#config.poolMax) {
      throw new AppError({ reason: 'OVERLOADED', message: 'too many calls wait for the database' });
    }
    const client = await this.#pool.connect();
    let unusable = false;
    const onError = (): void => {
      unusable = true;
    };
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      unusable ||= spoilsConnection(error);
      throw error;
    } finally {
      client.off('error', onError);
      // A connection left inside a transaction must never reach the next caller.
      client.release(unusable || client.getTransactionStatus() !== 'I');
    }
  }
}

/** 0A000: a migration changed the result of a statement this connection has prepared. */
function spoilsConnection(error: unknown): boolean {
  return isConnectionLoss(error) || isConnectionLoss(causeOf(error)) || errorCode(error) === '0A000';
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
