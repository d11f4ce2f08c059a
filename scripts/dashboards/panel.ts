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
import type { Panel, ThresholdsConfig } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as Logs } from '@grafana/grafana-foundation-sdk/logs';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';
import { unlimited, type Limits } from './limits.js';
import { loki, prometheus, type Query } from './query.js';

export interface PanelOptions {
  readonly title: string;
  /** What the panel means, and what is normal. */
  readonly description: string;
  readonly unit: string;
  /** Columns of 24. */
  readonly width: number;
  readonly queries: readonly Query[];
  readonly limits?: Limits;
  /** Shown where nothing happened, instead of "No data". */
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

/** Puts on a panel what every panel has. */
export function describePanel<P extends AnyPanel>(panel: P, options: PanelOptions): P {
  const { queries, limits = unlimited(), whenEmpty, decimals, min, max } = options;
  panel.title(options.title).description(options.description).unit(options.unit).span(options.width);
  panel
    .datasource(prometheus)
    .targets([...queries])
    .thresholds(limits);
  if (whenEmpty !== undefined) panel.noValue(whenEmpty);
  if (decimals !== undefined) panel.decimals(decimals);
  if (min !== undefined) panel.min(min);
  if (max !== undefined) panel.max(max);
  return panel;
}

/** Lines over time; a limit is drawn as a dashed line. */
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
  if (!options.limits) return panel;
  return panel.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
}

/** Areas on top of each other, for parts of a whole. */
export function stackedGraph(options: PanelOptions): TimeSeries {
  return graph(options).fillOpacity(30).stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
}

/** The newest value of each series, large. */
export function figure(options: PanelOptions): Stat {
  return describePanel(new Stat(), options)
    .height(5)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** One bar a series. */
export function bars(options: PanelOptions): BarGauge {
  return describePanel(new BarGauge(), { min: 0, ...options })
    .height(8)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));
}

/** Log lines, the newest first. */
export function logs(options: PanelOptions): Logs {
  return describePanel(new Logs(), options)
    .datasource(loki)
    .height(10)
    .showTime(true)
    .wrapLogMessage(true)
    .enableLogDetails(true)
    .sortOrder(LogsSortOrder.Descending);
}
