import { Gauge, type Registry } from 'prom-client';
import type { Database } from '../database.js';

/** Registers gauges of the connection pool. Their names and labels are part of the public API. */
export function poolMetrics(db: Database, registry: Registry): void {
  const connections = new Gauge({
    name: 'database_pool_connections',
    help: 'Open connections to the database, used and idle.',
    labelNames: ['state'],
    registers: [],
    collect() {
      const { total, idle } = db.stats();
      this.set({ state: 'used' }, total - idle);
      this.set({ state: 'idle' }, idle);
    },
  });
  const max = new Gauge({
    name: 'database_pool_max',
    help: 'Maximum number of connections in the pool (DATABASE_POOL_MAX).',
    registers: [],
    collect() {
      this.set(db.stats().max);
    },
  });
  const waiting = new Gauge({
    name: 'database_pool_waiting',
    help: 'Calls that wait for a connection to the database.',
    registers: [],
    collect() {
      this.set(db.stats().waiting);
    },
  });
  for (const gauge of [connections, max, waiting]) registry.registerMetric<string>(gauge);
}
