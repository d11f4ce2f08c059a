import type { Database, PoolStats, Queryable, Statement, Transaction } from '../../pkg/postgres/index.js';

/** A database that writes down what it is asked: names of statements, and `begin` for a transaction. */
export class RecordingDatabase implements Database {
  readonly statements: string[] = [];
  /** Failures to come, one a statement: it is not run. */
  readonly refuse = new Map<string, Error[]>();
  /** Failures to come, one a statement: it is run, and its answer is lost. */
  readonly lose = new Map<string, Error[]>();
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    return this.#record(this.#database, statement, values);
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.statements.push('begin');
    return this.#database.transaction((tx) =>
      work({
        kind: 'transaction',
        query: (statement, values) => this.#record(tx, statement, values),
      }),
    );
  }

  isReachable(timeoutMs: number): Promise<boolean> {
    return this.#database.isReachable(timeoutMs);
  }

  stats(): PoolStats {
    return this.#database.stats();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #record<Row>(db: Queryable, statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    this.statements.push(statement.name);
    throwNext(this.refuse.get(statement.name));
    const rows = await db.query<Row>(statement, values);
    throwNext(this.lose.get(statement.name));
    return rows;
  }
}

function throwNext(failures: Error[] = []): void {
  const failure = failures.shift();
  if (failure) throw failure;
}
