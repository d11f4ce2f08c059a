import { readdirSync, readFileSync } from 'node:fs';
import { folder } from './all.js';

/** A query of a panel or annotation. */
export interface DashboardExpression {
  readonly dashboard: string;
  /** Title of the panel, or name of the annotation. */
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

/** Returns the expressions in the dashboard files, with the variables of Grafana not expanded. */
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
 * Expands the variables in an expression as Grafana does when each variable is set to "All". Time variables such as
 * `$__range` are replaced by `window`, a PromQL duration.
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
