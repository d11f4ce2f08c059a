/** Series of the Collector that exist only after failures of its backends. */
export const troubleSeries = [
  'otelcol_exporter_send_failed_spans',
  'otelcol_exporter_send_failed_log_records',
  'otelcol_exporter_enqueue_failed_spans',
  'otelcol_exporter_enqueue_failed_log_records',
] as const;
