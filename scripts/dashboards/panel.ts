import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphThresholdsStyleMode,
  LegendPlacement,
  LogsSortOrder,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
  GraphThresholdsStyleConfigBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Panel,
  type Threshold,
  type ThresholdsConfig,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as Logs } from '@grafana/grafana-foundation-sdk/logs';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';
import { loki, prometheus, type Query } from './query.js';

/** Values at which the color of a panel changes. */
export type Thresholds = ThresholdsConfigBuilder;

/** Colors values green below `warning`, orange from `warning` to `critical`, and red from `critical`. */
export function below(warning: number, critical = warning): Thresholds {
  return absoluteThresholds([
    { value: null, color: 'green' },
    ...(warning === critical ? [] : [{ value: warning, color: 'orange' }]),
    { value: critical, color: 'red' },
  ]);
}

/** Colors values red below `critical`, orange from `critical` to `good`, and green from `good`. */
export function above(critical: number, good = critical): Thresholds {
  return absoluteThresholds([
    { value: null, color: 'red' },
    ...(critical === good ? [] : [{ value: critical, color: 'orange' }]),
    { value: good, color: 'green' },
  ]);
}

function noThresholds(): Thresholds {
  return absoluteThresholds([{ value: null, color: 'blue' }]);
}

function absoluteThresholds(steps: Threshold[]): Thresholds {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

export interface PanelOptions {
  readonly title: string;
  /** Meaning of the values and their normal range. */
  readonly description: string;
  readonly unit: string;
  /** Width in columns; a line has 24 columns. */
  readonly width: number;
  readonly queries: readonly Query[];
  readonly thresholds?: Thresholds;
  /** Text that the panel shows instead of "No data". */
  readonly whenEmpty?: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
}

interface AnyPanel extends Builder<Panel> {
  title(title: string): this;
  description(description: string): this;
  unit(unit: string): this;
  span(width: number): this;
  height(height: number): this;
  datasource(datasource: { type?: string; uid?: string }): this;
  targets(targets: Builder<Dataquery>[]): this;
  thresholds(thresholds: Builder<ThresholdsConfig>): this;
  noValue(text: string): this;
  decimals(decimals: number): this;
  min(min: number): this;
  max(max: number): this;
}

/** Sets the options that all panel types share. */
export function describePanel<P extends AnyPanel>(panel: P, options: PanelOptions): P {
  const { queries, thresholds = noThresholds(), whenEmpty, decimals, min, max } = options;
  panel.title(options.title).description(options.description).unit(options.unit).span(options.width);
  panel
    .datasource(prometheus)
    .targets([...queries])
    .thresholds(thresholds);
  if (whenEmpty !== undefined) panel.noValue(whenEmpty);
  if (decimals !== undefined) panel.decimals(decimals);
  if (min !== undefined) panel.min(min);
  if (max !== undefined) panel.max(max);
  return panel;
}

/** Creates a panel that shows each series as a line over time, and each threshold as a dashed line. */
export function graph(options: PanelOptions): TimeSeries {
  const panel = describePanel(new TimeSeries(), { min: 0, ...options })
    .height(8)
    .lineWidth(1)
    .fillOpacity(8)
    .legend(
      new VizLegendOptionsBuilder()
        .asTable(true)
        .showLegend(true)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  if (!options.thresholds) return panel;
  return panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
}

/** Creates a graph with stacked areas; the values of the series must be parts of a whole. */
export function stackedGraph(options: PanelOptions): TimeSeries {
  return graph(options).fillOpacity(30).stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
}

/** Creates a panel that shows the newest value of each series as a large number. */
export function stat(options: PanelOptions): Stat {
  return describePanel(new Stat(), options)
    .height(5)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** Creates a panel that shows the newest value of each series as a bar. */
export function barGauge(options: PanelOptions): BarGauge {
  return describePanel(new BarGauge(), { min: 0, ...options })
    .height(8)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** Creates a panel with log lines, newest first. */
export function logs(options: PanelOptions): Logs {
  return describePanel(new Logs(), options)
    .datasource(loki)
    .height(10)
    .showTime(true)
    .wrapLogMessage(true)
    .enableLogDetails(true)
    .sortOrder(LogsSortOrder.Descending);
}
