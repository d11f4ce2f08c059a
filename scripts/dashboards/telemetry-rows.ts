import type { Row } from './dashboard.js';
import { above, below } from './limits.js';
import { figure, graph } from './panel.js';
import { over } from './query.js';

/** Whether what the other panels show can be believed. */
export function telemetry(): Row[] {
  return [spans(), collector()];
}

function spans(): Row {
  return {
    title: 'Telemetry: from the services',
    panels: [
      figure({
        title: 'Parts of the stack that answer',
        description: '1: Prometheus reaches it. 0: no traces, no logs or no dashboards.',
        unit: 'none',
        width: 8,
        limits: above(1),
        queries: [over('max by (job) (up{job!~".+-service"})', '{{job}}')],
      }).height(8),
      graph({
        title: 'Spans taken for export',
        description:
          'Per second. "queue_full": dropped, because more came than could be sent. Normal: none of those.',
        unit: 'cps',
        width: 8,
        queries: [
          over(
            perSecond('otel_sdk_processor_span_processed_total{job=~"$service"}', 'job, error_type'),
            '{{job}} {{error_type}}',
          ),
        ],
      }),
      graph({
        title: 'Spans exported',
        description: 'Per second. "export_failed": lost, because the collector did not take them.',
        unit: 'cps',
        width: 8,
        queries: [
          over(
            perSecond('otel_sdk_exporter_span_exported_total{job=~"$service"}', 'job, error_type'),
            '{{job}} {{error_type}}',
          ),
        ],
      }),
    ],
  };
}

function collector(): Row {
  return {
    title: 'Telemetry: in the collector',
    panels: [
      graph({
        title: 'Received',
        description: 'Spans and log lines, per second. Refused: memory was short, the sender tries again.',
        unit: 'cps',
        width: 6,
        queries: [
          over(perSecond('otelcol_receiver_accepted_spans', 'receiver'), 'spans {{receiver}}'),
          over(perSecond('otelcol_receiver_accepted_log_records', 'receiver'), 'lines {{receiver}}'),
          over(perSecond('otelcol_receiver_refused_spans', 'receiver'), 'spans refused {{receiver}}'),
          over(perSecond('otelcol_receiver_refused_log_records', 'receiver'), 'lines refused {{receiver}}'),
        ],
      }),
      graph({
        title: 'Sent on',
        description: 'To Jaeger and Loki, per second. Failed: lost, after all tries. Normal: none.',
        unit: 'cps',
        width: 6,
        queries: [
          over(perSecond('otelcol_exporter_sent_spans', 'exporter'), 'spans {{exporter}}'),
          over(perSecond('otelcol_exporter_sent_log_records', 'exporter'), 'lines {{exporter}}'),
          over(perSecond('otelcol_exporter_send_failed_spans', 'exporter'), 'spans failed {{exporter}}'),
          over(
            perSecond('otelcol_exporter_send_failed_log_records', 'exporter'),
            'lines failed {{exporter}}',
          ),
        ],
      }),
      tracesKept(),
      queues(),
    ],
  };
}

function tracesKept() {
  return graph({
    title: 'Traces kept',
    description:
      'Traces judged, per second. Kept are all with errors, all slow ones, and a share of the rest: few of ' +
      'many is normal, all of many means trouble.',
    unit: 'cps',
    width: 6,
    queries: [
      over(
        perSecond('otelcol_processor_tail_sampling_global_count_traces_sampled', 'decision'),
        '{{decision}}',
      ),
    ],
  });
}

function queues() {
  return graph({
    title: 'Queues',
    description: 'What waits for Jaeger and Loki, of the room there is. At 100 % it is dropped.',
    unit: 'percentunit',
    width: 6,
    max: 1,
    limits: below(0.5, 0.9),
    queries: [
      over(
        'sum by (exporter) (otelcol_exporter_queue_size) / sum by (exporter) (otelcol_exporter_queue_capacity)',
        '{{exporter}}',
      ),
    ],
  });
}

/** Counters that appear with their first count: until then there is none of what they count. */
function perSecond(metric: string, by: string): string {
  return `sum by (${by}) (rate(${metric}[$__rate_interval])) or on() vector(0)`;
}
