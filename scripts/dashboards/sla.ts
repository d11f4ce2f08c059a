import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { countedCalls, faultStatuses } from '../objectives.js';
import { dashboard, type Row } from './dashboard.js';
import { above, below } from './limits.js';
import { figure, graph } from './panel.js';
import { over, overWithExemplars, rows } from './query.js';
import { table } from './table.js';

const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'];

type Objective = 'availability' | 'latency';

export function sla(): Dashboard {
  return dashboard({
    uid: 'sla',
    title: 'SLA',
    description:
      'Availability: 99.9 % of order calls end without a fault of ours. Latency: 99 % of them within 0.5 s. ' +
      'Both over 30 days, streams left out.',
    rows: [objectives(), burnRates(), latency(), methods()],
  });
}

function objectives(): Row {
  return {
    title: 'Objectives, 30 days',
    panels: [
      achieved('availability', 'Calls without a fault of ours. The objective is 99.9 %.', 0.999),
      achieved('latency', 'Calls answered within 0.5 s. The objective is 99 %.', 0.99),
      figure({
        title: 'Error budget left',
        description: 'What may still go wrong before the objective is broken. Below 0 it is.',
        unit: 'percentunit',
        width: 6,
        decimals: 1,
        max: 1,
        whenEmpty: 'no calls yet',
        limits: above(0, 0.25),
        queries: [over('slo:error_budget_remaining:ratio', '{{slo}}')],
      }).height(7),
      graph({
        title: 'Error budget over time',
        description: 'Falls when calls fail or are slow, rises when bad days grow older than 30.',
        unit: 'percentunit',
        width: 8,
        max: 1,
        limits: above(0, 0.25),
        queries: [over('slo:error_budget_remaining:ratio', '{{slo}}')],
      }).height(7),
    ],
  };
}

function achieved(slo: Objective, description: string, objective: number) {
  return figure({
    title: `${slo[0]?.toUpperCase()}${slo.slice(1)}`,
    description,
    unit: 'percentunit',
    width: 5,
    decimals: 3,
    max: 1,
    whenEmpty: 'no calls yet',
    limits: above(objective),
    queries: [
      over(
        `1 - (1 - slo:error_budget_remaining:ratio{slo="${slo}"}) * on (slo) (1 - slo:objective:ratio)`,
        slo,
      ),
    ],
  }).height(7);
}

function burnRates(): Row {
  return {
    title: 'Burn rates: 1 spends the budget in exactly 30 days',
    panels: [burnRate('availability'), burnRate('latency')],
  };
}

function burnRate(slo: Objective) {
  return graph({
    title: `Burn rate, ${slo}`,
    description:
      'Errors relative to what the objective allows, by window. Paged at 14.4 (over 1 h and 5 m) and 6 (6 h ' +
      'and 30 m); a ticket at 3 (1 d and 2 h) and 1 (3 d and 6 h).',
    unit: 'none',
    width: 12,
    decimals: 2,
    whenEmpty: 'no calls',
    limits: below(1, 14.4),
    queries: windows.map((window) =>
      over(`slo:error_ratio:rate${window}{slo="${slo}"} / on (slo) (1 - slo:objective:ratio)`, window),
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
          'Of all order calls but streams. The dots lead to traces. The 99th stays below the red line.',
        unit: 's',
        width: 9,
        limits: below(0.5),
        queries: [0.5, 0.9, 0.95, 0.99].map((share) => overWithExemplars(quantile(share), `p${share * 100}`)),
      }),
      graph({
        title: 'Answered within 0.5 s',
        description: 'Share of calls, what the latency objective counts. Normal: 99 % and more.',
        unit: 'percentunit',
        width: 7,
        max: 1,
        limits: above(0.99),
        queries: [
          over(
            `sum(rate(request_duration_seconds_bucket{${countedCalls}, le="0.5"}[$__rate_interval])) / sum(rate(request_duration_seconds_count{${countedCalls}}[$__rate_interval]))`,
            'within 0.5 s',
          ),
        ],
      }),
      graph({
        title: 'Error rate by service',
        description: 'Calls that ended by a fault of ours, last 5 minutes. Normal: 0.',
        unit: 'percentunit',
        width: 8,
        limits: below(0.01, 0.05),
        queries: [over('service:errors:ratio_rate5m', '{{service}}')],
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
        title: 'By method, over the time range',
        description:
          'Calls, share of server faults and percentiles of every method. Streams last long by nature.',
        unit: 'none',
        width: 24,
        labels: ['service', 'method'],
        columns: [
          { name: 'calls', unit: 'reqps' },
          { name: 'faults', unit: 'percentunit', limits: below(0.001, 0.05) },
          { name: 'p50', unit: 's' },
          { name: 'p95', unit: 's', limits: below(0.3, 0.5) },
          { name: 'p99', unit: 's', limits: below(0.5, 1) },
        ],
        queries: [
          rows(all, 'calls'),
          rows(`(${failed} or 0 * ${all}) / ${all}`, 'faults'),
          rows(quantile(0.5), 'p50'),
          rows(quantile(0.95), 'p95'),
          rows(quantile(0.99), 'p99'),
        ],
      }),
    ],
  };
}
