import { Gauge, type Registry } from 'prom-client';
import { CachedQuery } from './cached-query.js';
import type { DatabaseConfig, DatabaseLogger, Queryable } from './database.js';
import { PooledDatabase } from './connection/pooled-database.js';
import { sql } from './statement.js';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Gauges whose values are read by one query. */
export interface GaugeGroup<Name extends string> {
  /** Scrapes share a query result for this time; default 3 seconds. */
  readonly ttlMs?: number;
  readonly gauges: Readonly<Record<Name, { readonly help: string; readonly labelNames?: readonly string[] }>>;
  readonly read: (db: Queryable) => Promise<Readonly<Record<Name, readonly Sample[]>>>;
}

export interface DatabaseGaugesDeps {
  readonly logger: DatabaseLogger;
  readonly metrics: { readonly registry: Registry };
}

/** `ttlMs` for queries that count all rows of a table. */
export const countTtlMs = 15_000;
const defaultTtlMs = 3000;
const pingTtlMs = 1000;
const timeoutMs = 2000;

/**
 * Settings of the connection that all gauges share. Its statements use no parallel workers, so that the workers remain
 * available to other sessions.
 */
const sessionConfig = {
  poolMax: 1,
  connectTimeoutMs: timeoutMs,
  // A slow statement must fail on the server before the client times out.
  statementTimeoutMs: timeoutMs - 500,
  applicationName: 'order-processing-metrics',
  // With the default of random_page_cost, which assumes slow disks, counts would not use an index.
  settings: { max_parallel_workers_per_gather: '0', random_page_cost: '1.1' },
} satisfies Partial<DatabaseConfig>;

const ping = sql('gauges.reach', 'select 1 as one');

/**
 * Gauges whose values are read from the database and are equal in every replica. The queries run at scrape time on a
 * separate connection, so that a scrape does not use the connection pool of the service. After a query fails, the
 * gauges of the query have no series. The first failure is logged; further failures are not logged until all queries
 * succeed again.
 */
export class DatabaseGauges {
  readonly #db: PooledDatabase;
  readonly #deps: DatabaseGaugesDeps;
  readonly #ping: CachedQuery<unknown>;
  readonly #failing = new Set<string>();

  constructor(config: DatabaseConfig, deps: DatabaseGaugesDeps) {
    this.#deps = deps;
    this.#db = new PooledDatabase({ ...config, ...sessionConfig }, deps.logger);
    this.#ping = this.#cached('database_up', { ttlMs: pingTtlMs, read: (db) => db.query(ping()) });
    this.#registerUp();
  }

  /** Registers one gauge for each key of `gauges`. */
  register<Name extends string>({ gauges, read, ttlMs = defaultTtlMs }: GaugeGroup<Name>): void {
    const names = Object.keys(gauges) as Name[];
    const query = this.#cached(names.join(', '), { read, ttlMs });
    for (const name of names) {
      const { help, labelNames = [] } = gauges[name];
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [this.#deps.metrics.registry],
        collect: async () => {
          const isUp = (await this.#ping.latest()) !== undefined;
          const values = isUp ? await query.latest() : undefined;
          setSamples(gauge, values?.[name] ?? []);
        },
      });
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  #registerUp(): void {
    const up: Gauge = new Gauge({
      name: 'database_up',
      help: '1 if the database answered the last `select 1` that was sent for the metrics, else 0.',
      registers: [this.#deps.metrics.registry],
      collect: async () => up.set((await this.#ping.latest()) ? 1 : 0),
    });
  }

  #cached<T>(
    gauges: string,
    { read, ttlMs }: { readonly read: (db: Queryable) => Promise<T>; readonly ttlMs: number },
  ): CachedQuery<T> {
    return new CachedQuery({
      ttlMs,
      timeoutMs,
      read: async () => {
        const values = await read(this.#db);
        this.#failing.delete(gauges);
        return values;
      },
      onFailure: (err) => {
        if (this.#failing.size === 0)
          this.#deps.logger.warn({ err, gauges }, 'the database cannot be read for metrics');
        this.#failing.add(gauges);
      },
    });
  }
}

function setSamples(gauge: Gauge, samples: readonly Sample[]): void {
  gauge.reset();
  // A new gauge without labels has the value 0, which would be wrong when the query returned no value.
  if (samples.length === 0) gauge.remove({});
  for (const { labels = {}, value } of samples) gauge.set(labels, value);
}
