import { Gauge, type Registry } from 'prom-client';
import { CachedReading } from './cached-reading.js';
import { sql, type DatabaseConfig, type DatabaseLogger, type Queryable } from './database.js';
import { PooledDatabase } from './pooled-database.js';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Gauges that one reading yields. */
export interface GaugeGroup<Name extends string> {
  /** How long a reading serves all scrapes, milliseconds; default 3 seconds. */
  readonly lastsMs?: number;
  readonly gauges: Readonly<Record<Name, { readonly help: string; readonly labelNames?: readonly string[] }>>;
  readonly read: (db: Queryable) => Promise<Readonly<Record<Name, readonly Sample[]>>>;
}

export interface DatabaseGaugesDeps {
  readonly logger: DatabaseLogger;
  readonly metrics: { readonly registry: Registry };
}

/** For counts of whole tables. */
export const countLastsMs = 15_000;
const readingLastsMs = 3000;
const reachLastsMs = 1000;
/** Longest wait of a scrape for a reading. */
const limitMs = 2000;

/** One connection, given to short statements that leave the server's workers to others. */
const session = {
  poolMax: 1,
  connectTimeoutMs: limitMs,
  // So that the server says that it is slow before we think that it is gone.
  statementTimeoutMs: limitMs - 500,
  applicationName: 'order-processing-metrics',
  // A count reads an index rather than the table, which the default keeps for slow disks.
  settings: { max_parallel_workers_per_gather: '0', random_page_cost: '1.1' },
} satisfies Partial<DatabaseConfig>;

const reach = sql('gauges.reach', 'select 1 as one');

/**
 * Gauges whose values are in the database, so that every replica shows the same. They are read when they
 * are scraped, over a connection of their own: a scrape neither waits for work nor takes its connections.
 * What cannot be read in time is not shown at all, and the log says so once until all can be read again.
 */
export class DatabaseGauges {
  readonly #db: PooledDatabase;
  readonly #deps: DatabaseGaugesDeps;
  readonly #reach: CachedReading<unknown>;
  readonly #failing = new Set<string>();

  constructor(config: DatabaseConfig, deps: DatabaseGaugesDeps) {
    this.#deps = deps;
    this.#db = new PooledDatabase({ ...config, ...session }, deps.logger);
    this.#reach = this.#reading('database_up', { lastsMs: reachLastsMs, read: (db) => db.query(reach) });
    this.#showUp();
  }

  /** Registers gauges under the names that are the keys of `gauges`. */
  show<Name extends string>({ gauges, read, lastsMs = readingLastsMs }: GaugeGroup<Name>): void {
    const names = Object.keys(gauges) as Name[];
    const reading = this.#reading(names.join(', '), { read, lastsMs });
    for (const name of names) {
      const { help, labelNames = [] } = gauges[name];
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [this.#deps.metrics.registry],
        collect: async () => {
          const isReached = (await this.#reach.latest()) !== undefined;
          const values = isReached ? await reading.latest() : undefined;
          setAll(gauge, values?.[name] ?? []);
        },
      });
    }
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  #showUp(): void {
    const up: Gauge = new Gauge({
      name: 'database_up',
      help: 'Whether the database answered when it was last asked for these metrics.',
      registers: [this.#deps.metrics.registry],
      collect: async () => up.set((await this.#reach.latest()) ? 1 : 0),
    });
  }

  #reading<T>(
    gauges: string,
    { read, lastsMs }: { readonly read: (db: Queryable) => Promise<T>; readonly lastsMs: number },
  ): CachedReading<T> {
    return new CachedReading({
      lastsMs,
      limitMs,
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

function setAll(gauge: Gauge, samples: readonly Sample[]): void {
  gauge.reset();
  // A gauge without labels starts at 0, which would be a statement.
  if (samples.length === 0) gauge.remove({});
  for (const { labels = {}, value } of samples) gauge.set(labels, value);
}
