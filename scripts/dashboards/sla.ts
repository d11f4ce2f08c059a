import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { countedCalls, faultStatuses } from '../objectives.js';
import { dashboard, type Row } from './dashboard.js';
import { above, below, stat, graph } from './panel.js';
import { rangeQuery, rangeQueryWithExemplars, tableQuery } from './query.js';
import { table } from './table.js';

const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];

type Objective = 'availability' | 'latency';

export function sla(): Dashboard {
  return dashboard({
    uid: 'sla',
    title: 'SLA',
    description:
      'Availability: 99.9 % of the calls of the order service end without a server fault. Latency: 99 % of these ' +
      'calls end within 0.5 s. Both objectives cover the last 30 days. Streams do not count.',
    rows: [objectives(), burnRates(), latency(), methods()],
  });
}

function objectives(): Row {
  return {
    title: 'Objectives, 30 days',
    panels: [
      achieved('availability', 'Share of calls without a server fault. The objective is 99.9 %.', 0.999),
      achieved('latency', 'Share of calls that end within 0.5 s. The objective is 99 %.', 0.99),
      stat({
        title: 'Remaining error budget',
        description: 'Remaining share of the error budget, by objective. Below 0 the objective is missed.',
        unit: 'percentunit',
        width: 6,
        decimals: 1,
        max: 1,
        whenEmpty: 'no calls yet',
        thresholds: above(0, 0.25),
        queries: [rangeQuery('slo:error_budget_remaining:ratio', '{{slo}}')],
      }).height(7),
      graph({
        title: 'Remaining error budget over time',
        description:
          'The budget falls when calls fail or are slow. It rises when failed or slow calls become older than 30 days.',
        unit: 'percentunit',
        width: 8,
        max: 1,
        thresholds: above(0, 0.25),
        queries: [rangeQuery('slo:error_budget_remaining:ratio', '{{slo}}')],
      }).height(7),
    ],
  };
}

function achieved(slo: Objective, description: string, objective: number) {
  return stat({
    title: `${slo[0]?.toUpperCase()}${slo.slice(1)}`,
    description,
    unit: 'percentunit',
    width: 5,
    decimals: 3,
    max: 1,
    whenEmpty: 'no calls yet',
    thresholds: above(objective),
    queries: [
      rangeQuery(
        `1 - (1 - slo:error_budget_remaining:ratio{slo="${slo}"}) * on (slo) (1 - slo:objective:ratio)`,
        slo,
      ),
    ],
  }).height(7);
}

function burnRates(): Row {
  return {
    title: 'Burn rates (a burn rate of 1 spends the budget in exactly 30 days)',
    panels: [burnRate('availability'), burnRate('latency')],
  };
}

function burnRate(slo: Objective) {
  return graph({
    title: `Burn rate, ${slo}`,
    description:
      'Error ratio divided by the error ratio that the objective allows, by time window. A critical alert needs more ' +
      'than 10 errors in the last hour, and a burn rate above 14.4 (in 1h and 5m) or above 6 (in 6h and 30m). A ' +
      'warning needs a burn rate above 3 (in 1d and 2h) or above 1 (in 3d and 6h).',
    unit: 'none',
    width: 12,
    decimals: 2,
    whenEmpty: 'no calls',
    thresholds: below(1, 14.4),
    queries: windows.map((window) =>
      rangeQuery(`slo:error_ratio:rate${window}{slo="${slo}"} / on (slo) (1 - slo:objective:ratio)`, window),
    ),
  });
}

function latency(): Row {
  const quantile = (share: number): string =>
    `histogram_quantile(${share}, sum by (le) (rate(request_duration_seconds_bucket{${countedCalls}}[$__rate_interval])))`;
  return {
    title: 'Latency and errors',
    panels: [
      graph({
        title: 'Latency percentiles',
        description:
          'Calls of the order service, without streams. The dots link to traces. Normal: p99 below the red line.',
        unit: 's',
        width: 9,
        thresholds: below(0.5),
        queries: [0.5, 0.9, 0.95, 0.99].map((share) =>
          rangeQueryWithExemplars(quantile(share), `p${share * 100}`),
        ),
      }),
      graph({
        title: 'Calls within 0.5 s',
        description: 'Share of calls that end within 0.5 s. Normal: at least 99 %.',
        unit: 'percentunit',
        width: 7,
        max: 1,
        thresholds: above(0.99),
        queries: [
          rangeQuery(
            `sum(rate(request_duration_seconds_bucket{${countedCalls}, le="0.5"}[$__rate_interval])) / sum(rate(request_duration_seconds_count{${countedCalls}}[$__rate_interval]))`,
            'within 0.5 s',
          ),
        ],
      }),
      graph({
        title: 'Error rate by service',
        description: 'Share of the calls of the last 5 minutes that ended with a server fault. Normal: 0.',
        unit: 'percentunit',
        width: 8,
        thresholds: below(0.01, 0.05),
        queries: [rangeQuery('service:errors:ratio_rate5m', '{{service}}')],
      }),
    ],
  };
}

function methods(): Row {
  const perMethod = (metric: string): string => `sum by (service, method) (${metric})`;
  const quantile = (share: number): string =>
    `histogram_quantile(${share}, sum by (service, method, le) (rate(request_duration_seconds_bucket[$__range])))`;
  const all = perMethod('rate(requests_total[$__range])');
  const failed = perMethod(`rate(requests_total{status=~"${faultStatuses}"}[$__range])`);
  return {
    title: 'Methods',
    panels: [
      table({
        title: 'Calls by method in this time range',
        description:
          'Calls per second, share of calls with a server fault, and latency percentiles. The client decides how long ' +
          'a stream (WatchOrder, WatchStock) lasts.',
        unit: 'none',
        width: 24,
        labels: ['service', 'method'],
        columns: [
          { name: 'calls', unit: 'reqps' },
          { name: 'faults', unit: 'percentunit', thresholds: below(0.001, 0.05) },
          { name: 'p50', unit: 's' },
          { name: 'p95', unit: 's', thresholds: below(0.3, 0.5) },
          { name: 'p99', unit: 's', thresholds: below(0.5, 1) },
        ],
        queries: [
          tableQuery(all, 'calls'),
          tableQuery(`(${failed} or 0 * ${all}) / ${all}`, 'faults'),
          tableQuery(quantile(0.5), 'p50'),
          tableQuery(quantile(0.95), 'p95'),
          tableQuery(quantile(0.99), 'p99'),
        ],
      }),
    ],
  };
}
