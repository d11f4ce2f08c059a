import { DataqueryBuilder as LokiQuery } from '@grafana/grafana-foundation-sdk/loki';
import {
  DataqueryBuilder as PrometheusQuery,
  PromQueryFormat,
  QueryEditorMode,
} from '@grafana/grafana-foundation-sdk/prometheus';

/** References to the provisioned data sources. */
export const prometheus = { type: 'prometheus', uid: 'prometheus' };
export const loki = { type: 'loki', uid: 'loki' };

/** A query for one data source. */
export type Query = PrometheusQuery | LokiQuery;

/** Creates a query over the time range of the dashboard. `legend` may refer to labels: `{{method}}`. */
export function rangeQuery(expr: string, legend: string): PrometheusQuery {
  return promQl(expr).range().legendFormat(legend);
}

/** Creates a range query of a histogram. Its graph shows exemplars as dots that link to traces. */
export function rangeQueryWithExemplars(expr: string, legend: string): PrometheusQuery {
  return rangeQuery(expr, legend).exemplar(true);
}

/** Creates a query that is evaluated at the end of the time range only. */
export function instantQuery(expr: string, legend: string): PrometheusQuery {
  return promQl(expr).instant().legendFormat(legend);
}

/** Creates an instant query for `table()`, with one row per series. `column` is the reference id of the query and the name of a `Column`. */
export function tableQuery(expr: string, column: string): PrometheusQuery {
  return promQl(expr).instant().format(PromQueryFormat.Table).refId(column);
}

export function logLines(expr: string): LokiQuery {
  return new LokiQuery().datasource(loki).expr(expr).queryType('range').maxLines(200);
}

/** Creates a range query that counts log lines. */
export function logCount(expr: string, legend: string): LokiQuery {
  return new LokiQuery().datasource(loki).expr(expr).queryType('range').legendFormat(legend);
}

function promQl(expr: string): PrometheusQuery {
  return new PrometheusQuery().datasource(prometheus).editorMode(QueryEditorMode.Code).expr(expr);
}
