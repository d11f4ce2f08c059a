import { readdirSync, readFileSync } from 'node:fs';
import { folder } from './all.js';

/** What a panel asks a data source. */
export interface DashboardExpression {
  readonly dashboard: string;
  /** Its title, or the name of an annotation, which is drawn in all panels. */
  readonly panel: string;
  /** `prometheus` or `loki`. */
  readonly datasource: string;
  readonly expr: string;
}

interface DashboardFile {
  readonly title: string;
  readonly panels: readonly { readonly title: string; readonly targets?: readonly QueryJson[] }[];
  readonly annotations: { readonly list: readonly (QueryJson & { readonly name: string })[] };
}

interface QueryJson {
  readonly expr: string;
  readonly datasource: { readonly uid: string };
}

/** Every expression in the dashboards' files, Grafana's variables not replaced. */
export function dashboardExpressions(): DashboardExpression[] {
  return dashboardFiles().flatMap(({ title: dashboard, panels, annotations }) =>
    [
      ...panels.map(({ title, targets = [] }) => ({ panel: title, queries: targets })),
      ...annotations.list.map((annotation) => ({ panel: annotation.name, queries: [annotation] })),
    ].flatMap(({ panel, queries }) =>
      queries.map(({ expr, datasource }) => ({ dashboard, panel, datasource: datasource.uid, expr })),
    ),
  );
}

/**
 * The expression as Grafana would send it with every variable at "All". `$__range` and the steps are
 * set to `window`, a PromQL duration.
 */
export function withoutVariables(expr: string, window = '1m'): string {
  return expr
    .replaceAll(/\$__(?:rate_interval|interval|range|auto)\b/g, window)
    .replaceAll(/\$\{?\w+\}?/g, '.*');
}

function dashboardFiles(): DashboardFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as DashboardFile);
}
