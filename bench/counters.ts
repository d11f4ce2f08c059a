import { openDatabase, sql, type Database } from '../pkg/postgres/index.js';

/** Cumulative statistics of a PostgreSQL server. */
export interface Counters {
  /** Transactions of the service databases. */
  readonly commits: number;
  /** fsync calls for the WAL. */
  readonly fsyncs: number;
  readonly walBytes: number;
}

const readCounters = sql(
  'bench.read_counters',
  `select
     (select sum(xact_commit) from pg_stat_database where datname = any($databases))::float8 as commits,
     (select sum(fsyncs) from pg_stat_io where object = 'wal')::float8 as fsyncs,
     (select wal_bytes from pg_stat_wal)::float8 as "walBytes"`,
);

const readServerPid = sql('bench.read_pid', 'select pg_backend_pid() as pid');

/**
 * Opens a connection for the statistics. A busy backend publishes its statistics every second; at both ends of a window
 * under steady load, as much is unpublished.
 */
export function openStatistics(url: string): Promise<Database> {
  const config = { url, poolMax: 1, connectTimeoutMs: 30_000, statementTimeoutMs: 30_000 };
  return openDatabase(config, { warn: () => undefined });
}

export async function countersOf(statistics: Database, databases: readonly string[]): Promise<Counters> {
  const [row] = await statistics.query<Counters>(readCounters({ databases }));
  if (!row) throw new Error('PostgreSQL returned no statistics');
  return row;
}

export async function backendPid(statistics: Database): Promise<number> {
  const [row] = await statistics.query<{ pid: number }>(readServerPid());
  return row?.pid ?? 0;
}
