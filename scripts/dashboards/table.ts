import type { DynamicConfigValue } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { describePanel, type Thresholds, type PanelOptions } from './panel.js';

export interface Column {
  /** Title of the column. It must equal the argument `column` of the `tableQuery` that fills the column. */
  readonly name: string;
  readonly unit: string;
  readonly thresholds?: Thresholds;
}

export interface TableOptions extends PanelOptions {
  /** Labels that identify a row. Their columns come before the value columns, in the order of this list. */
  readonly labels: readonly string[];
  readonly columns: readonly Column[];
}

/** Creates a table with one row per combination of labels and one value column per query. */
export function table(options: TableOptions): Table {
  const { labels, columns } = options;
  // Grafana names the value column `Value` if the table has one query, else `Value #` and the reference id of the query.
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
  for (const column of columns) panel.overrideByName(column.name, columnProperties(column));
  return panel;
}

function columnProperties({ unit, thresholds }: Column): DynamicConfigValue[] {
  if (!thresholds) return [{ id: 'unit', value: unit }];
  return [
    { id: 'unit', value: unit },
    { id: 'thresholds', value: thresholds.build() },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
  ];
}

function indexes(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, index]));
}
