import { AnnotationQueryBuilder, type Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, labelVariable, type Row } from './dashboard.js';
import { above, below } from './limits.js';
import { bars, figure, graph, stackedGraph } from './panel.js';
import { now, over, prometheus, rows } from './query.js';
import { table } from './table.js';
import { telemetry } from './telemetry-rows.js';

/** Series of a process carry the name of their service as `job`. */
const chosen = 'job=~"$service"';
const replicas = `sum by (job) (up{${chosen}})`;

export function infrastructure(): Dashboard {
  return dashboard({
    uid: 'infrastructure',
    title: 'Infrastructure',
    description: 'What the processes use, how many there are, and whether telemetry itself is well.',
    variables: [labelVariable('service', { of: 'process_info', label: 'service' })],
    annotations: [scalingEvents()],
    rows: [replicaRow(), processor(), memory(), databases(), certificates(), ...telemetry()],
  });
}

/** A mark in every graph where the number of replicas changed: Grafana makes one of every 1. */
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
        description: 'Replicas that answer, per service. Purple marks: their number changed.',
        unit: 'none',
        width: 8,
        queries: [over(replicas, '{{job}}')],
      }),
      bars({
        title: 'Scaling events',
        description:
          'How often the number of replicas changed in this time range. A busy autoscaler is set too tight.',
        unit: 'none',
        width: 5,
        queries: [now(`changes((${replicas})[$__range:1m])`, '{{job}}')],
      }),
      bars({
        title: 'Restarts',
        description:
          'Starts of processes at an address known before, in this time range. Normal: only deployments.',
        unit: 'none',
        width: 4,
        limits: below(1, 3),
        queries: [now(`sum by (job) (changes(process_start_time_seconds{${chosen}}[$__range]))`, '{{job}}')],
      }),
      table({
        title: 'What runs',
        description: 'Replicas by version. Two versions of a service: a deployment is under way, or stuck.',
        unit: 'none',
        width: 7,
        labels: ['service', 'version', 'node_version'],
        columns: [{ name: 'replicas', unit: 'none' }],
        queries: [
          rows('count by (service, version, node_version) (process_info{service=~"$service"})', 'replicas'),
        ],
      }).height(8),
    ],
  };
}

function processor(): Row {
  return {
    title: 'Processor and event loop',
    panels: [
      graph({
        title: 'CPU',
        description:
          'Cores used by each process. JavaScript runs on one: near 1 the process is saturated, and calls wait.',
        unit: 'none',
        width: 8,
        decimals: 2,
        limits: below(0.7, 0.9),
        queries: [
          over(`rate(process_cpu_seconds_total{${chosen}}[$__rate_interval])`, '{{job}} {{instance}}'),
        ],
      }),
      graph({
        title: 'Event-loop delay, 99th percentile',
        description:
          'How late timers and answers are because the process computes something else. Normal: below 50 ms.',
        unit: 's',
        width: 8,
        limits: below(0.1, 0.3),
        queries: [over(`nodejs_eventloop_lag_p99_seconds{${chosen}}`, '{{job}} {{instance}}')],
      }),
      graph({
        title: 'Garbage collection',
        description:
          'Share of time spent collecting garbage. Above 5 % memory is short, or something allocates madly.',
        unit: 'percentunit',
        width: 8,
        limits: below(0.05, 0.15),
        queries: [
          over(
            `sum by (job, instance) (rate(nodejs_gc_duration_seconds_sum{${chosen}}[$__rate_interval]))`,
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
        description: 'What each process holds of the machine. A line that only rises is a leak.',
        unit: 'bytes',
        width: 6,
        queries: [over(`process_resident_memory_bytes{${chosen}}`, '{{job}} {{instance}}')],
      }),
      graph({
        title: 'Heap',
        description: 'JavaScript objects, garbage included: a saw-tooth whose lower edge stays level.',
        unit: 'bytes',
        width: 6,
        queries: [over(`nodejs_heap_size_used_bytes{${chosen}}`, '{{job}} {{instance}}')],
      }),
      graph({
        title: 'Heap, share of its limit',
        description: 'At 100 % the process ends for want of memory.',
        unit: 'percentunit',
        width: 6,
        max: 1,
        limits: below(0.7, 0.85),
        queries: [
          over(
            `nodejs_heap_size_used_bytes{${chosen}} / nodejs_heap_size_limit_bytes{${chosen}}`,
            '{{job}} {{instance}}',
          ),
        ],
      }),
      graph({
        title: 'Open files and sockets',
        description: 'File descriptors of each process. Level under steady load.',
        unit: 'none',
        width: 6,
        queries: [over(`process_open_fds{${chosen}}`, '{{job}} {{instance}}')],
      }),
    ],
  };
}

function databases(): Row {
  return {
    title: 'Databases',
    panels: [
      figure({
        title: 'Database reached',
        description: '1: every replica reached its database at its last reading. Below: some did not.',
        unit: 'none',
        width: 5,
        limits: above(1),
        queries: [over(`min by (job) (database_up{${chosen}})`, '{{job}}')],
      }).height(8),
      stackedGraph({
        title: 'Connections',
        description: 'Connections of all pools, used and idle.',
        unit: 'none',
        width: 7,
        queries: [over(`sum by (job, state) (database_pool_connections{${chosen}})`, '{{job}} {{state}}')],
      }),
      graph({
        title: 'Pool in use',
        description: 'Used connections of the most there may be. At 100 % calls wait for one.',
        unit: 'percentunit',
        width: 6,
        max: 1,
        limits: below(0.8, 0.95),
        queries: [
          over(
            `sum by (job, instance) (database_pool_connections{${chosen}, state="used"}) / sum by (job, instance) (database_pool_max{${chosen}})`,
            '{{job}} {{instance}}',
          ),
        ],
      }),
      graph({
        title: 'Waiting for a connection',
        description: 'Calls that wait because the pool is in use. Normal: 0.',
        unit: 'none',
        width: 6,
        limits: below(1, 5),
        queries: [over(`database_pool_waiting{${chosen}}`, '{{job}} {{instance}}')],
      }),
    ],
  };
}

function certificates(): Row {
  const ends = `min by (job, certificate) (tls_certificate_expiry_timestamp_seconds{${chosen}})`;
  return {
    title: 'Certificates',
    panels: [
      graph({
        title: 'Time left',
        description:
          'Until the certificate in use ends (own), and the CA that ends first (ca). Rises when it is renewed; 0 without TLS.',
        unit: 's',
        width: 12,
        queries: [over(`${ends} - time() * (${ends} > bool 0)`, '{{job}} {{certificate}}')],
      }),
      graph({
        title: 'Connections refused',
        description: 'Connections a second that ended in their TLS handshake, by reason. Normal: none.',
        unit: 'none',
        width: 12,
        decimals: 2,
        queries: [
          over(
            `sum by (job, reason) (rate(tls_handshakes_refused_total{${chosen}}[$__rate_interval]))`,
            '{{job}} {{reason}}',
          ),
        ],
      }),
    ],
  };
}
