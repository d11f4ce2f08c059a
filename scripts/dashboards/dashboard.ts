import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  type AnnotationQuery,
  type Dashboard,
  type Panel,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { prometheus } from './query.js';

export interface Row {
  readonly title: string;
  /** Panels from left to right. A line is full when the widths of its panels sum to 24. */
  readonly panels: readonly Builder<Panel>[];
}

export interface DashboardOptions {
  /** The uid is part of the URL of the dashboard and must not change. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
  readonly variables?: readonly Builder<VariableModel>[];
  readonly annotations?: readonly Builder<AnnotationQuery>[];
}

const tag = 'order-processing';

export function dashboard(options: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(options.title)
    .uid(options.uid)
    .description(options.description)
    .tags([tag])
    .timezone('browser')
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .variables([...(options.variables ?? [])])
    .annotations([...(options.annotations ?? [])])
    .link(dashboardLink());
  for (const { title, panels } of options.rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  return assignIds(builder.build());
}

/** Sets the ids of the panels and the names of the queries; otherwise Grafana assigns new ones at every change. */
function assignIds(built: Dashboard): Dashboard {
  for (const [index, panel] of (built.panels ?? []).entries()) {
    panel.id = index + 1;
    if (!('targets' in panel)) continue;
    for (const [position, target] of (panel.targets ?? []).entries())
      Object.assign(target, { refId: String.fromCodePoint(65 + position), ...target });
  }
  return built;
}

/** Creates a variable. The user selects some or all values of `label` in the series of `metric`. */
export function labelVariable(name: string, source: { readonly metric: string; readonly label: string }) {
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(prometheus)
    .query(`label_values(${source.metric}, ${source.label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function dashboardLink(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('Dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .keepTime(true)
    .includeVars(true);
}
