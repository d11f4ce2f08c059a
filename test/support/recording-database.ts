import type {
  BoundStatement,
  Database,
  PoolStats,
  Queryable,
  Transaction,
  TransactionalQueryable,
  WaitLimits,
} from '../../pkg/postgres/index.js';

/** A database that records its statements and can inject failures. */
export class RecordingDatabase implements Database {
  /** Names of executed statements, with `begin` for each transaction. */
  readonly statements: string[] = [];
  /** Limits of the calls that used this database. */
  readonly limits: WaitLimits[] = [];
  /** Failures by statement name. Each failure replaces one execution of the statement; null lets one execution pass. */
  readonly failBefore = new Map<string, (Error | null)[]>();
  /** Failures by statement name. Each failure replaces the result of one execution of the statement. */
  readonly failAfter = new Map<string, Error[]>();
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  query<Row>(statement: BoundStatement): Promise<Row[]> {
    return this.#record(this.#database, statement);
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.statements.push('begin');
    return this.#database.transaction((tx) =>
      work({
        kind: 'transaction',
        query: (statement) => this.#record(tx, statement),
      }),
    );
  }

  /** Records the limits, and runs the statements without limits. */
  within(limits: WaitLimits): TransactionalQueryable {
    this.limits.push(limits);
    return this;
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

  async #record<Row>(db: Queryable, statement: BoundStatement): Promise<Row[]> {
    this.statements.push(statement.name);
    throwNext(this.failBefore.get(statement.name));
    const rows = await db.query<Row>(statement);
    throwNext(this.failAfter.get(statement.name));
    return rows;
  }
}

function throwNext(failures: (Error | null)[] = []): void {
  const failure = failures.shift();
  if (failure) throw failure;
}
