import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { callRows } from './call-rows.js';
import { dashboard, labelVariable, type Row } from './dashboard.js';
import { above, barGauge, below, stat, graph, logs, stackedGraph } from './panel.js';
import { logCount, logLines, instantQuery, rangeQuery } from './query.js';

const createOrder = 'service="order-service", method="order.v1.OrderService/CreateOrder"';

export function serviceOverview(): Dashboard {
  return dashboard({
    uid: 'service-overview',
    title: 'Service Overview',
    description: 'Error budget; rate, errors and latency of calls; log lines.',
    variables: [
      labelVariable('service', { metric: 'process_info', label: 'service' }),
      labelVariable('method', { metric: 'requests_total{service=~"$service"}', label: 'method' }),
    ],
    rows: [customerRow(), ...callRows(), logRow()],
  });
}

function logRow(): Row {
  const lines = '{service_name=~"$service", service_name!=""}';
  return {
    title: 'Log',
    panels: [
      stackedGraph({
        title: 'Lines by level',
        description: 'Number of log lines by level.',
        unit: 'short',
        width: 8,
        queries: [
          logCount(`sum by (detected_level) (count_over_time(${lines}[$__auto]))`, '{{detected_level}}'),
        ],
      }).height(10),
      logs({
        title: 'Warnings and errors',
        description:
          'Log lines of level warn and above, newest first. A log line that belongs to a call links to the trace of the call.',
        unit: 'none',
        width: 16,
        queries: [logLines(`${lines} | detected_level=~"warn|error|fatal|critical"`)],
      }),
    ],
  };
}

function customerRow(): Row {
  return {
    title: 'Customer view',
    panels: [errorBudget(), faults(), createOrderTime(), ordersPerMinute(), servicesUp()],
  };
}

function errorBudget() {
  return stat({
    title: 'Remaining error budget',
    description:
      'Remaining share of the 30-day error budget, by objective. Below 0 the objective is missed. The dashboard ' +
      'SLA shows more.',
    unit: 'percentunit',
    width: 5,
    decimals: 1,
    max: 1,
    whenEmpty: 'no calls yet',
    thresholds: above(0, 0.25),
    queries: [rangeQuery('slo:error_budget_remaining:ratio', '{{slo}}')],
  });
}

function faults() {
  return stat({
    title: 'Server faults',
    description:
      'Calls of the order service that ended with a server fault, as a share of its calls in the last 5 minutes. ' +
      'Rejections (out of stock, declined payment, invalid argument) do not count as faults. Normal: 0.',
    unit: 'percentunit',
    width: 4,
    decimals: 2,
    whenEmpty: 'no calls',
    thresholds: below(0.001, 0.05),
    queries: [rangeQuery('service:errors:ratio_rate5m{service="order-service"}', 'errors')],
  });
}

function createOrderTime() {
  return stat({
    title: 'CreateOrder, 95th percentile',
    description: '95 % of the CreateOrder calls take less time than this value. Normal: below 0.3 s.',
    unit: 's',
    width: 5,
    whenEmpty: 'no calls',
    thresholds: below(0.3, 0.5),
    queries: [
      rangeQuery(
        `histogram_quantile(0.95, sum by (le) (rate(request_duration_seconds_bucket{${createOrder}}[5m])))`,
        'p95',
      ),
    ],
  });
}

function ordersPerMinute() {
  return graph({
    title: 'Orders per minute',
    description:
      'Confirmed (success) and rejected (failed) orders. Some rejections (missing stock, declined payments) are ' +
      'normal. Investigate when the share of rejected orders changes, or when there are no orders.',
    unit: 'cpm',
    width: 6,
    queries: [
      rangeQuery('sum by (status) (rate(orders_created_total[$__rate_interval])) * 60', '{{status}}'),
    ],
  }).height(5);
}

function servicesUp() {
  return barGauge({
    title: 'Services up',
    description: 'Replicas that Prometheus can scrape, by service. Red: no replica.',
    unit: 'none',
    width: 4,
    thresholds: above(1),
    queries: [instantQuery('sum by (job) (up{job=~".+-service"})', '{{job}}')],
  }).height(5);
}
