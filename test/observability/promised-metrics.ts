import { readFileSync } from 'node:fs';

/** Names of metrics that exist only with mutual TLS, which this run does not use. */
const onlyWithTls = /^tls_/;

/** Metric names of the tables in `docs/monitoring.md`; for a histogram, the name of its `_count` series. */
export function documentedSeries(): string[] {
  const [, tables = ''] = readFileSync('docs/monitoring.md', 'utf8').split('<!-- metrics -->');
  return tables.split('\n').flatMap((line) => {
    const [, name, type] = /^\| `(\w+)` \| (\w+) \|/.exec(line) ?? [];
    if (name === undefined || onlyWithTls.test(name)) return [];
    return [type === 'histogram' ? `${name}_count` : name];
  });
}

/** Series that the project promises to its users, with their labels. */
export const promisedSeries = [
  'requests_total{service!="", method!="", status!=""}',
  'request_duration_seconds_bucket{service!="", method!="", le!=""}',
  'active_connections',
  'orders_created_total{status="success"}',
  'orders_created_total{status="failed"}',
  'payments_processed_total{status!=""}',
  'inventory_reservations_total{product!="", status!=""}',
  'current_stock{product!=""}',
  'database_pool_connections{state="used"}',
  'nodejs_eventloop_lag_p99_seconds',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
];
