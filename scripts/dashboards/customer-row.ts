import type { Row } from './dashboard.js';
import { above, below } from './limits.js';
import { bars, figure, graph } from './panel.js';
import { now, over } from './query.js';

const createOrder = 'service="order-service", method="order.v1.OrderService/CreateOrder"';

export function customerRow(): Row {
  return {
    title: 'Are customers served?',
    panels: [errorBudget(), faults(), createOrderTime(), ordersPerMinute(), servicesUp()],
  };
}

function errorBudget() {
  return figure({
    title: 'Error budget left',
    description:
      'Share of the 30-day error budget that is left, per objective: 100 % is untouched, below 0 the ' +
      'objective is broken. See the dashboard SLA.',
    unit: 'percentunit',
    width: 5,
    decimals: 1,
    max: 1,
    whenEmpty: 'no calls yet',
    limits: above(0, 0.25),
    queries: [over('slo:error_budget_remaining:ratio', '{{slo}}')],
  });
}

function faults() {
  return figure({
    title: 'Calls that failed by our fault',
    description:
      'Order service, last 5 minutes: share of calls that ended with a server fault. A refusal (out of ' +
      'stock, a declined payment, a wrong argument) is none. Normal: 0.',
    unit: 'percentunit',
    width: 4,
    decimals: 2,
    whenEmpty: 'no calls',
    limits: below(0.001, 0.05),
    queries: [over('service:errors:ratio_rate5m{service="order-service"}', 'errors')],
  });
}

function createOrderTime() {
  return figure({
    title: 'CreateOrder, 95th percentile',
    description: 'What 95 of 100 customers wait at most. Normal: below 0.3 s; the objective is 0.5 s.',
    unit: 's',
    width: 5,
    whenEmpty: 'no calls',
    limits: below(0.3, 0.5),
    queries: [
      over(
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
      'Orders whose outcome is known: confirmed (success) and rejected (failed). Some are always ' +
      'rejected for want of stock or money; alarming is a share that changes, or no orders at all.',
    unit: 'cpm',
    width: 6,
    queries: [over('sum by (status) (rate(orders_created_total[$__rate_interval])) * 60', '{{status}}')],
  }).height(5);
}

function servicesUp() {
  return bars({
    title: 'Services up',
    description: 'Replicas of each service that answer. Red: none does.',
    unit: 'none',
    width: 4,
    limits: above(1),
    queries: [now('sum by (job) (up{job=~".+-service"})', '{{job}}')],
  }).height(5);
}
