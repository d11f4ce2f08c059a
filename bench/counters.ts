import { openDatabase, sql, type Database } from '../pkg/postgres/index.js';

/** Cumulative statistics of a PostgreSQL server and of the services. */
export interface Counters {
  /** Transactions of the service databases. */
  readonly commits: number;
  /** fsync calls for the WAL. */
  readonly fsyncs: number;
  readonly walBytes: number;
  /** 0 in a version without the metric `batch_size`. */
  readonly batches: number;
  readonly batchItems: number;
}

type DatabaseCounters = Omit<Counters, 'batches' | 'batchItems'>;

const readCounters = sql(
  'bench.read_counters',
  `select
     (select sum(xact_commit) from pg_stat_database where datname = any($databases))::float8 as commits,
     (select sum(fsyncs) from pg_stat_io where object = 'wal')::float8 as fsyncs,
     (select wal_bytes from pg_stat_wal)::float8 as "walBytes"`,
);

/**
 * Opens a connection for the statistics. A busy backend publishes its statistics every second; at both ends of a window
 * under steady load, as much is unpublished.
 */
export function openStatistics(url: string): Promise<Database> {
  const config = { url, poolMax: 1, connectTimeoutMs: 30_000, statementTimeoutMs: 30_000 };
  return openDatabase(config, { warn: () => undefined });
}

/** Adds the metrics of batches of all services. */
export async function countersOf(
  statistics: Database,
  databases: readonly string[],
  metricsPorts: readonly number[],
): Promise<Counters> {
  const [rows, pages] = await Promise.all([
    statistics.query<DatabaseCounters>(readCounters({ databases })),
    Promise.all(metricsPorts.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text())),
  ]);
  const [row] = rows;
  if (!row) throw new Error('PostgreSQL returned no statistics');
  const metrics = pages.join('\n');
  return {
    ...row,
    batches: sumOf(metrics, 'batch_size_count'),
    batchItems: sumOf(metrics, 'batch_size_sum'),
  };
}

/** Adds the values of all series of a metric. */
function sumOf(metrics: string, name: string): number {
  const series = metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'gm'));
  return [...series].reduce((sum, [, value]) => sum + Number(value), 0);
}
