import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import type { Limits } from './limits.js';
import { describePanel, type PanelOptions } from './panel.js';

export interface Column {
  /** The query's `column`. */
  readonly name: string;
  readonly unit: string;
  readonly limits?: Limits;
}

export interface TableOptions extends PanelOptions {
  /** Labels that make a row, in the order of their columns. */
  readonly labels: readonly string[];
  readonly columns: readonly Column[];
}

/** One row for each combination of labels, one column for each query. */
export function table(options: TableOptions): Table {
  const { labels, columns } = options;
  // How Grafana names the value of a query, by itself and beside others.
  const valueField = ({ name }: Column): string => (columns.length === 1 ? 'Value' : `Value #${name}`);
  const panel = describePanel(new Table(), options)
    .height(9)
    .filterable(true)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        indexByName: indexes([...labels, ...columns.map(valueField)]),
        renameByName: Object.fromEntries(columns.map((column) => [valueField(column), column.name])),
      },
    });
  for (const column of columns) panel.overrideByName(column.name, properties(column));
  return panel;
}

function properties({ unit, limits }: Column): DynamicConfigValue[] {
  if (!limits) return [{ id: 'unit', value: unit }];
  return [
    { id: 'unit', value: unit },
    { id: 'thresholds', value: limits.build() },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ];
}

function indexes(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, index]));
}
