import type { Row } from './dashboard.js';
import { above, below, stat, graph } from './panel.js';
import { rangeQuery } from './query.js';

/** Returns the rows of the telemetry pipeline. */
export function telemetry(): Row[] {
  return [spans(), collector()];
}

function spans(): Row {
  return {
    title: 'Telemetry of the services',
    panels: [
      stat({
        title: 'Components of the observability stack',
        description: '1: Prometheus can scrape the component. 0: Prometheus cannot scrape the component.',
        unit: 'none',
        width: 6,
        thresholds: above(1),
        queries: [rangeQuery('max by (job) (up{job!~".+-service"})', '{{job}}')],
      }).height(8),
      graph({
        title: 'Spans queued for export',
        description:
          'Spans per second. queue_full: spans that were dropped because the export queue was full. Normal: queue_full is 0.',
        unit: 'cps',
        width: 6,
        queries: [
          rangeQuery(
            perSecond('otel_sdk_processor_span_processed_total{job=~"$service"}', 'job, error_type'),
            '{{job}} {{error_type}}',
          ),
        ],
      }),
      graph({
        title: 'Spans exported',
        description:
          'Spans per second. export_failed: spans that were lost because the export to the collector failed. Normal: ' +
          'export_failed is 0.',
        unit: 'cps',
        width: 6,
        queries: [
          rangeQuery(
            perSecond('otel_sdk_exporter_span_exported_total{job=~"$service"}', 'job, error_type'),
            '{{job}} {{error_type}}',
          ),
        ],
      }),
      droppedLines(),
    ],
  };
}

function droppedLines() {
  return graph({
    title: 'Dropped log lines',
    description: 'Log lines per second that a process could not write to its standard output. Normal: 0.',
    unit: 'cps',
    width: 6,
    thresholds: below(0.01, 1),
    queries: [rangeQuery(perSecond('log_lines_dropped_total{job=~"$service"}', 'job'), '{{job}}')],
  });
}

function collector(): Row {
  return {
    title: 'Telemetry in the collector',
    panels: [
      graph({
        title: 'Received spans and log lines',
        description:
          'Spans and log lines per second. The collector refuses data when it has little free memory; the sender of the data ' +
          'retries.',
        unit: 'cps',
        width: 6,
        queries: [
          rangeQuery(perSecond('otelcol_receiver_accepted_spans', 'receiver'), 'spans {{receiver}}'),
          rangeQuery(perSecond('otelcol_receiver_accepted_log_records', 'receiver'), 'lines {{receiver}}'),
          rangeQuery(perSecond('otelcol_receiver_refused_spans', 'receiver'), 'spans refused {{receiver}}'),
          rangeQuery(
            perSecond('otelcol_receiver_refused_log_records', 'receiver'),
            'lines refused {{receiver}}',
          ),
        ],
      }),
      graph({
        title: 'Sent spans and log lines',
        description:
          'Spans to Jaeger and log lines to Loki, per second. Failed spans and lines were lost after all retries. Normal: 0 failed.',
        unit: 'cps',
        width: 6,
        queries: [
          rangeQuery(perSecond('otelcol_exporter_sent_spans', 'exporter'), 'spans {{exporter}}'),
          rangeQuery(perSecond('otelcol_exporter_sent_log_records', 'exporter'), 'lines {{exporter}}'),
          rangeQuery(
            perSecond('otelcol_exporter_send_failed_spans', 'exporter'),
            'spans failed {{exporter}}',
          ),
          rangeQuery(
            perSecond('otelcol_exporter_send_failed_log_records', 'exporter'),
            'lines failed {{exporter}}',
          ),
        ],
      }),
      sampledTraces(),
      queues(),
    ],
  };
}

function sampledTraces() {
  return graph({
    title: 'Sampled traces',
    description:
      'Traces per second, by sampling decision. The collector keeps all traces with errors, all slow traces except those ' +
      'of WatchOrder and WatchStock, and a share of the other traces.',
    unit: 'cps',
    width: 6,
    queries: [
      rangeQuery(
        perSecond('otelcol_processor_tail_sampling_global_count_traces_sampled', 'decision'),
        '{{decision}}',
      ),
    ],
  });
}

function queues() {
  return graph({
    title: 'Export queues',
    description: 'Used share of the queue for Jaeger and of the queue for Loki. At 100 %, data is dropped.',
    unit: 'percentunit',
    width: 6,
    max: 1,
    thresholds: below(0.5, 0.9),
    queries: [
      rangeQuery(
        'sum by (exporter) (otelcol_exporter_queue_size) / sum by (exporter) (otelcol_exporter_queue_capacity)',
        '{{exporter}}',
      ),
    ],
  });
}

/** Returns an expression for the rate of a counter. The expression is 0 while the counter has no series. */
function perSecond(metric: string, by: string): string {
  return `sum by (${by}) (rate(${metric}[$__rate_interval])) or on() vector(0)`;
}
