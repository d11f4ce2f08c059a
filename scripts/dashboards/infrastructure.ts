import { AnnotationQueryBuilder, type Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, labelVariable, type Row } from './dashboard.js';
import { above, barGauge, below, stat, graph, stackedGraph } from './panel.js';
import { instantQuery, rangeQuery, prometheus, tableQuery } from './query.js';
import { table } from './table.js';
import { telemetry } from './telemetry-rows.js';

/** Selects processes by the variable `service` of the dashboard. The label `job` of a process names its service. */
const selected = 'job=~"$service"';
const replicas = `sum by (job) (up{${selected}})`;

export function infrastructure(): Dashboard {
  return dashboard({
    uid: 'infrastructure',
    title: 'Infrastructure',
    description:
      'Replicas and resource usage of the services, their databases and certificates, and the telemetry pipeline.',
    variables: [labelVariable('service', { metric: 'process_info', label: 'service' })],
    annotations: [scalingEvents()],
    rows: [replicaRow(), processor(), memory(), databases(), batches(), certificates(), ...telemetry()],
  });
}

/** Marks changes of the replica count in every graph. Grafana draws a mark where the value of the expression is 1. */
function scalingEvents(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Replicas changed')
    .datasource(prometheus)
    .enable(true)
    .iconColor('purple')
    .expr(`changes((${replicas})[1m:15s])`)
    .step('1m')
    .titleFormat('{{job}}: replicas changed')
    .useValueForTime(false);
}

function replicaRow(): Row {
  return {
    title: 'Replicas and scaling',
    panels: [
      graph({
        title: 'Replicas',
        description:
          'Replicas that Prometheus can scrape, by service. A purple mark shows that the number of replicas changed.',
        unit: 'none',
        width: 8,
        queries: [rangeQuery(replicas, '{{job}}')],
      }),
      barGauge({
        title: 'Scaling events',
        description:
          'Changes of the replica count in this time range. Frequent changes indicate that the autoscaler reacts to small changes of load.',
        unit: 'none',
        width: 5,
        queries: [instantQuery(`changes((${replicas})[$__range:1m])`, '{{job}}')],
      }),
      barGauge({
        title: 'Restarts',
        description:
          'Restarts in this time range. A restart counts only if the process keeps its address. Normal: only during deployments.',
        unit: 'none',
        width: 4,
        thresholds: below(1, 3),
        queries: [
          instantQuery(
            `sum by (job) (changes(process_start_time_seconds{${selected}}[$__range]))`,
            '{{job}}',
          ),
        ],
      }),
      versions(),
    ],
  };
}

function versions() {
  return table({
    title: 'Versions',
    description:
      'Replicas by version. Two versions of a service indicate that a deployment is in progress or stuck.',
    unit: 'none',
    width: 7,
    labels: ['service', 'version', 'node_version'],
    columns: [{ name: 'replicas', unit: 'none' }],
    queries: [
      tableQuery('count by (service, version, node_version) (process_info{service=~"$service"})', 'replicas'),
    ],
  }).height(8);
}

function processor(): Row {
  return {
    title: 'Processor and event loop',
    panels: [
      graph({
        title: 'CPU',
        description:
          'CPU cores that each process uses. JavaScript runs on one core. At a value near 1 the process is saturated, and calls wait.',
        unit: 'none',
        width: 8,
        decimals: 2,
        thresholds: below(0.7, 0.9),
        queries: [
          rangeQuery(
            `rate(process_cpu_seconds_total{${selected}}[$__rate_interval])`,
            '{{job}} {{instance}}',
          ),
        ],
      }),
      graph({
        title: 'Event-loop delay, 99th percentile',
        description:
          'Time that timers and callbacks wait for other work of the process. Normal: below 50 ms.',
        unit: 's',
        width: 8,
        thresholds: below(0.1, 0.3),
        queries: [rangeQuery(`nodejs_eventloop_lag_p99_seconds{${selected}}`, '{{job}} {{instance}}')],
      }),
      graph({
        title: 'Garbage collection',
        description:
          'Share of time that a process spends on garbage collection. Above 5 %, the heap is too small or the process allocates too much.',
        unit: 'percentunit',
        width: 8,
        thresholds: below(0.05, 0.15),
        queries: [
          rangeQuery(
            `sum by (job, instance) (rate(nodejs_gc_duration_seconds_sum{${selected}}[$__rate_interval]))`,
            '{{job}} {{instance}}',
          ),
        ],
      }),
    ],
  };
}

function memory(): Row {
  return {
    title: 'Memory and files',
    panels: [
      graph({
        title: 'Resident memory',
        description: 'Resident memory of each process. Steady growth indicates a leak.',
        unit: 'bytes',
        width: 6,
        queries: [rangeQuery(`process_resident_memory_bytes{${selected}}`, '{{job}} {{instance}}')],
      }),
      graph({
        title: 'Heap',
        description:
          'JavaScript heap in use, including garbage. Normal: a saw-tooth pattern with a constant minimum.',
        unit: 'bytes',
        width: 6,
        queries: [rangeQuery(`nodejs_heap_size_used_bytes{${selected}}`, '{{job}} {{instance}}')],
      }),
      graph({
        title: 'Heap utilization',
        description:
          'Used heap, as a share of the heap limit. At 100 % the process runs out of memory and exits.',
        unit: 'percentunit',
        width: 6,
        max: 1,
        thresholds: below(0.7, 0.85),
        queries: [
          rangeQuery(
            `nodejs_heap_size_used_bytes{${selected}} / nodejs_heap_size_limit_bytes{${selected}}`,
            '{{job}} {{instance}}',
          ),
        ],
      }),
      graph({
        title: 'Open files and sockets',
        description: 'File descriptors of each process. Normal: constant under constant load.',
        unit: 'none',
        width: 6,
        queries: [rangeQuery(`process_open_fds{${selected}}`, '{{job}} {{instance}}')],
      }),
    ],
  };
}

function databases(): Row {
  return {
    title: 'Databases',
    panels: [
      stat({
        title: 'Database reachable',
        description:
          '1: every replica reaches its database. 0: at least one replica does not reach its database.',
        unit: 'none',
        width: 5,
        thresholds: above(1),
        queries: [rangeQuery(`min by (job) (database_up{${selected}})`, '{{job}}')],
      }).height(8),
      stackedGraph({
        title: 'Connections',
        description: 'Used and idle database connections of all replicas.',
        unit: 'none',
        width: 7,
        queries: [
          rangeQuery(`sum by (job, state) (database_pool_connections{${selected}})`, '{{job}} {{state}}'),
        ],
      }),
      graph({
        title: 'Pool utilization',
        description: 'Connections in use, as a share of the maximum. At 100 %, calls wait for a connection.',
        unit: 'percentunit',
        width: 6,
        max: 1,
        thresholds: below(0.8, 0.95),
        queries: [
          rangeQuery(
            `sum by (job, instance) (database_pool_connections{${selected}, state="used"}) / sum by (job, instance) (database_pool_max{${selected}})`,
            '{{job}} {{instance}}',
          ),
        ],
      }),
      graph({
        title: 'Callers waiting for a connection',
        description: 'Callers that wait because all connections of the pool are in use. Normal: 0.',
        unit: 'none',
        width: 6,
        thresholds: below(1, 5),
        queries: [rangeQuery(`database_pool_waiting{${selected}}`, '{{job}} {{instance}}')],
      }),
    ],
  };
}

function batches(): Row {
  const bySum = (metric: string): string =>
    `sum by (job, operation) (rate(${metric}{${selected}}[$__rate_interval]))`;
  return {
    title: 'Batches',
    panels: [
      graph({
        title: 'Calls in a batch, by operation',
        description:
          'Mean number of concurrent calls that one batch executes together. It grows with the load, up to `BATCH_MAX`. ' +
          'Operations with `_contended` wait for rows that another transaction holds. Normal: few of them.',
        unit: 'none',
        width: 12,
        queries: [
          rangeQuery(`${bySum('batch_size_sum')} / ${bySum('batch_size_count')}`, '{{job}} {{operation}}'),
        ],
      }),
      graph({
        title: 'Wait for a batch, 99th percentile by operation',
        description: 'Time from a call to the start of its batch. Normal: below 50 ms.',
        unit: 's',
        width: 12,
        thresholds: below(0.05, 0.5),
        queries: [
          rangeQuery(
            `histogram_quantile(0.99, sum by (job, operation, le) (rate(batch_queue_wait_seconds_bucket{${selected}}[$__rate_interval])))`,
            '{{job}} {{operation}}',
          ),
        ],
      }),
    ],
  };
}

function certificates(): Row {
  const expiry = `min by (job, certificate) (tls_certificate_expiry_timestamp_seconds{${selected}})`;
  return {
    title: 'Certificates',
    panels: [
      graph({
        title: 'Time until expiry',
        description:
          'own: time until the certificate of the service expires. ca: time until the first trusted CA expires. ' +
          'Both values are 0 if TLS is off.',
        unit: 's',
        width: 12,
        queries: [rangeQuery(`${expiry} - time() * (${expiry} > bool 0)`, '{{job}} {{certificate}}')],
      }),
      graph({
        title: 'Rejected TLS connections',
        description: 'Failed TLS handshakes per second, by reason. Normal: 0.',
        unit: 'none',
        width: 12,
        decimals: 2,
        queries: [
          rangeQuery(
            `sum by (job, reason) (rate(tls_handshakes_refused_total{${selected}}[$__rate_interval]))`,
            '{{job}} {{reason}}',
          ),
        ],
      }),
    ],
  };
}
