import { DataqueryBuilder as LokiQuery } from '@grafana/grafana-foundation-sdk/loki';
import {
  DataqueryBuilder as PrometheusQuery,
  PromQueryFormat,
  QueryEditorMode,
} from '@grafana/grafana-foundation-sdk/prometheus';

/** The uids of the provisioned data sources. */
export const prometheus = { type: 'prometheus', uid: 'prometheus' };
export const loki = { type: 'loki', uid: 'loki' };

/** What a panel asks one data source. */
export type Query = PrometheusQuery | LokiQuery;

/** A series over time; `legend` may name labels: `{{method}}`. */
export function over(expr: string, legend: string): PrometheusQuery {
  return promQl(expr).range().legendFormat(legend);
}

/** The same, with the dots that lead to traces. `expr` must read a histogram that carries exemplars. */
export function overWithExemplars(expr: string, legend: string): PrometheusQuery {
  return over(expr, legend).exemplar(true);
}

/** One value a series, at the end of the time range. */
export function now(expr: string, legend: string): PrometheusQuery {
  return promQl(expr).instant().legendFormat(legend);
}

/** One row a series; in a table of several columns `column` names the one with its value. */
export function rows(expr: string, column: string): PrometheusQuery {
  return promQl(expr).instant().format(PromQueryFormat.Table).refId(column);
}

export function logLines(expr: string): LokiQuery {
  return new LokiQuery().datasource(loki).expr(expr).queryType('range').maxLines(200);
}

/** A count of log lines over time. */
export function logCount(expr: string, legend: string): LokiQuery {
  return new LokiQuery().datasource(loki).expr(expr).queryType('range').legendFormat(legend);
}

function promQl(expr: string): PrometheusQuery {
  return new PrometheusQuery().datasource(prometheus).editorMode(QueryEditorMode.Code).expr(expr);
}
