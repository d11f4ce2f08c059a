/** What the Collector shows of itself only once its backends have given it trouble. */
export const troubleSeries = [
  'otelcol_exporter_send_failed_spans',
  'otelcol_exporter_send_failed_log_records',
  'otelcol_exporter_enqueue_failed_spans',
  'otelcol_exporter_enqueue_failed_log_records',
] as const;
