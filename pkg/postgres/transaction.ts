import type pg from 'pg';
import { AppError } from '../errors/index.js';
import type { Transaction } from './database.js';
import { isConnectionLoss } from './errors.js';
import { runStatement, type BoundStatement } from './statement.js';

/**
 * Runs `work` between BEGIN and COMMIT on one connection, and rolls back when `work` throws.
 *
 * @throws AppError DEPENDENCY_UNAVAILABLE when the connection is lost during COMMIT; the commit is then in doubt
 */
export async function runTransaction<T>(
  client: pg.ClientBase,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  await client.query('begin isolation level read committed');
  const tx = new OpenTransaction(client);
  try {
    const result = await work(tx);
    tx.end();
    await commit(client, tx);
    return result;
  } catch (error) {
    tx.end();
    await rollback(client, error);
    throw error;
  }
}

class OpenTransaction implements Transaction {
  readonly kind = 'transaction';
  readonly #client: pg.ClientBase;
  #open = true;
  #failure: unknown;

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  /** First error of a statement, even if `work` caught the error. */
  get failure(): unknown {
    return this.#failure;
  }

  async query<Row>(statement: BoundStatement): Promise<Row[]> {
    if (!this.#open) throw new Error(`${statement.name}: the transaction has ended`);
    try {
      return await runStatement<Row>(this.#client, statement);
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  end(): void {
    this.#open = false;
  }
}

async function commit(client: pg.ClientBase, tx: OpenTransaction): Promise<void> {
  let command: string;
  try {
    ({ command } = await client.query('commit'));
  } catch (error) {
    if (!isConnectionLoss(error)) throw error;
    throw new AppError({
      reason: 'DEPENDENCY_UNAVAILABLE',
      message: 'the database connection was lost during the commit, whose outcome is unknown',
      cause: error,
    });
  }
  // PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK instead of an error.
  if (command !== 'COMMIT') throw tx.failure ?? new Error('the transaction was rolled back');
}

async function rollback(client: pg.ClientBase, cause: unknown): Promise<void> {
  if (isConnectionLoss(cause)) return;
  // After a failed rollback the connection is still inside a transaction, and the pool closes the connection.
  await client.query('rollback').catch(() => undefined);
}
