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
  /** From left to right; widths of a line sum to 24. */
  readonly panels: readonly Builder<Panel>[];
}

export interface DashboardOptions {
  /** Part of its address: never changed. */
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
    .link(linkToTheOthers());
  for (const { title, panels } of options.rows) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  return identify(builder.build());
}

/** Numbers the panels and names their queries, which Grafana would do anew at every change. */
function identify(built: Dashboard): Dashboard {
  for (const [index, panel] of (built.panels ?? []).entries()) {
    panel.id = index + 1;
    if (!('targets' in panel)) continue;
    for (const [position, target] of (panel.targets ?? []).entries())
      Object.assign(target, { refId: String.fromCodePoint(65 + position), ...target });
  }
  return built;
}

/** The values of a label, to choose some of them or all. */
export function labelVariable(name: string, values: { readonly of: string; readonly label: string }) {
  return new QueryVariableBuilder(name)
    .label(name)
    .datasource(prometheus)
    .query(`label_values(${values.of}, ${values.label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}

function linkToTheOthers(): DashboardLinkBuilder {
  return new DashboardLinkBuilder('Dashboards')
    .type(DashboardLinkType.Dashboards)
    .tags([tag])
    .keepTime(true)
    .includeVars(true);
}
