import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const root = new URL('../../', import.meta.url);
const rules = new URL('deployments/docker/observability/prometheus/rules/', root);

/** Metrics of Prometheus, of prom-client (`process_` and `nodejs_`) and of the OpenTelemetry collector 0.160.0. */
const thirdPartyMetrics = [
  'up',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_start_time_seconds',
  'process_open_fds',
  'nodejs_eventloop_lag_p99_seconds',
  'nodejs_gc_duration_seconds_sum',
  'nodejs_heap_size_used_bytes',
  'otelcol_receiver_accepted_spans',
  'otelcol_receiver_accepted_log_records',
  'otelcol_receiver_refused_spans',
  'otelcol_receiver_refused_log_records',
  'otelcol_exporter_sent_spans',
  'otelcol_exporter_sent_log_records',
  'otelcol_exporter_send_failed_spans',
  'otelcol_exporter_send_failed_log_records',
  'otelcol_exporter_enqueue_failed_spans',
  'otelcol_exporter_enqueue_failed_log_records',
  'otelcol_exporter_queue_size',
  'otelcol_exporter_queue_capacity',
  'otelcol_processor_tail_sampling_global_count_traces_sampled',
];

/** Returns the metrics that a dashboard may query: documented, recorded and third-party metrics. */
export function knownMetrics(): ReadonlySet<string> {
  return new Set([...documented(), ...recorded(), ...thirdPartyMetrics]);
}

/** Returns the metrics in the tables of docs/monitoring.md. */
function documented(): string[] {
  const text = readFileSync(new URL('docs/monitoring.md', root), 'utf8');
  return [...text.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \|/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['bucket', 'count', 'sum'].map((suffix) => `${name}_${suffix}`) : [name],
  );
}

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly { readonly record?: string }[] }[];
}

function recorded(): string[] {
  return readdirSync(rules).flatMap((name) => {
    const { groups } = parse(readFileSync(new URL(name, rules), 'utf8')) as RuleFile;
    return groups.flatMap((group) => group.rules.flatMap(({ record }) => record ?? []));
  });
}
