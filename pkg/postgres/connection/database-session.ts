import type pg from 'pg';
import { connect } from './connect.js';
import type { DatabaseConfig, Queryable } from '../database.js';
import { isConnectionLoss, translateError } from '../errors.js';
import { runStatement, type BoundStatement } from '../statement.js';

/**
 * One connection outside of the pool, for state of a database session such as advisory locks. The next statement after
 * a connection loss opens a new connection. Statements must not be concurrent.
 */
export class DatabaseSession implements Queryable {
  readonly #config: DatabaseConfig;
  readonly #timeoutMs: number;
  readonly #onOpen: () => void;
  #client: pg.Client | undefined;
  #closed = false;

  /**
   * @param options.timeoutMs limits the connection attempt and each statement
   * @param options.onOpen called for each new connection, which has none of the former session state
   */
  constructor(
    config: DatabaseConfig,
    { timeoutMs, onOpen }: { readonly timeoutMs: number; readonly onOpen: () => void },
  ) {
    this.#config = config;
    this.#timeoutMs = timeoutMs;
    this.#onOpen = onOpen;
  }

  /** Throws the same errors as `Database.query`. */
  async query<Row>(statement: BoundStatement): Promise<Row[]> {
    try {
      return await runStatement<Row>(this.#client ?? (await this.#open()), statement);
    } catch (error) {
      if (isConnectionLoss(error)) this.#drop();
      throw translateError(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #open(): Promise<pg.Client> {
    if (this.#closed) throw new Error('the database session is closed');
    const client = await connect(this.#config, this.#timeoutMs);
    client.on('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    this.#client = client;
    this.#onOpen();
    return client;
  }

  #drop(): void {
    this.#client?.end().catch(() => undefined);
    this.#client = undefined;
  }
}
