import pg from 'pg';

/** Administers the PostgreSQL server of a run over the `postgres` database. */
export class PostgresAdmin {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Switches fsync off: the faults crash PostgreSQL and not the machine, and commits survive a crash of PostgreSQL in the
   * cache of the operating system. With fsync, a restart syncs every file of the data directory, which takes seconds.
   */
  async skipFsync(): Promise<void> {
    await this.#run('alter system set fsync = off');
    await this.#run('select pg_reload_conf()');
  }

  /** Ends the sessions of a database, each with the given probability. An unreachable server has no sessions. */
  async cutSessions(database: string, probability = 1): Promise<void> {
    const statement =
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and random() < $2::float8';
    await this.#run(statement, [database, probability]).catch(() => undefined);
  }

  async #run(statement: string, values: unknown[] = []): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: 2000,
      query_timeout: 5000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query(statement, values);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
