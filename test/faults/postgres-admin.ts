import pg from 'pg';
import { identify, sendSignal } from '../../cmd/dev/supervisor/process-id.js';
import { pause } from '../../pkg/runtime/index.js';

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
    await this.#connected(async (client) => {
      await client.query('alter system set fsync = off');
      await client.query('select pg_reload_conf()');
    });
  }

  /**
   * Pauses the server with all its sessions: first the postmaster, so that no session starts meanwhile. Returns false if
   * the server is down.
   */
  async pause(postmaster: number, ms: number): Promise<boolean> {
    const processes = [postmaster].flatMap((pid) => identify(pid) ?? []);
    const send = (signal: NodeJS.Signals): void => {
      for (const process of processes) sendSignal(process, signal);
    };
    const pauseAll = async (client: pg.Client): Promise<void> => {
      send('SIGSTOP');
      const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity');
      processes.push(...rows.flatMap(({ pid }) => identify(pid) ?? []));
      send('SIGSTOP');
      await pause(ms);
    };
    const pauseAndResume = (client: pg.Client) => pauseAll(client).finally(() => send('SIGCONT'));
    return this.#connected(pauseAndResume).then(
      () => true,
      () => false,
    );
  }

  /** Ends the sessions of a database, each with the given probability. An unreachable server has no sessions. */
  async cutSessions(database: string, probability = 1): Promise<void> {
    const statement =
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and random() < $2::float8';
    await this.#connected((client) => client.query(statement, [database, probability])).catch(
      () => undefined,
    );
  }

  async #connected(use: (client: pg.Client) => Promise<unknown>): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: 2000,
      query_timeout: 5000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await use(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
