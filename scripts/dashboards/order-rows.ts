import type { Row } from './dashboard.js';
import { above, barGauge, below, stat, graph, stackedGraph } from './panel.js';
import { instantQuery, rangeQuery, rangeQueryWithExemplars } from './query.js';

/** Returns the rows with order outcomes, unfinished orders and saga steps. */
export function orderRows(): Row[] {
  return [orders(), unfinished(), saga()];
}

function orders(): Row {
  return {
    title: 'Orders',
    panels: [
      stat({
        title: 'Orders in this time range',
        description: 'Confirmed (success) and rejected (failed) orders.',
        unit: 'short',
        width: 6,
        decimals: 0,
        queries: [instantQuery('sum by (status) (increase(orders_created_total[$__range]))', '{{status}}')],
      }).height(8),
      stat({
        title: 'Confirmed',
        description:
          'Confirmed orders, as a share of confirmed and rejected orders in this time range. A sudden drop ' +
          'indicates a fault or missing stock.',
        unit: 'percentunit',
        width: 4,
        decimals: 1,
        whenEmpty: 'no orders',
        thresholds: above(0.5, 0.8),
        queries: [
          instantQuery(
            'sum(increase(orders_created_total{status="success"}[$__range])) / sum(increase(orders_created_total[$__range]))',
            'confirmed',
          ),
        ],
      }).height(8),
      stackedGraph({
        title: 'Outcomes per minute',
        description: 'Confirmed and rejected orders per minute.',
        unit: 'cpm',
        width: 8,
        queries: [
          rangeQuery('sum by (status) (rate(orders_created_total[$__rate_interval])) * 60', '{{status}}'),
        ],
      }),
      barGauge({
        title: 'Orders by state',
        description: 'All stored orders. Normal: few orders in PENDING and CANCELLING.',
        unit: 'short',
        width: 6,
        queries: [instantQuery('max by (state) (orders_by_state)', '{{state}}')],
      }),
    ],
  };
}

function unfinished(): Row {
  return {
    title: 'Unfinished and in doubt',
    panels: [
      stat({
        title: 'Oldest unfinished order',
        description:
          'Age of the oldest order in PENDING or CANCELLING. Normal: seconds. ' +
          'An alert fires at 2 minutes.',
        unit: 's',
        width: 4,
        decimals: 0,
        thresholds: below(30, 120),
        queries: [rangeQuery('max(orders_oldest_unfinished_age_seconds)', 'age')],
      }).height(8),
      graph({
        title: 'Orders in doubt, by step',
        description:
          'Unfinished orders with a step that is retried because the called service gave no definite answer, and partial ' +
          'refunds without a definite answer (RefundOrder). Normal: 0. An alert fires when a refund is pending for 10 minutes.',
        unit: 'none',
        width: 6,
        thresholds: below(1, 20),
        queries: [
          rangeQuery('max by (step) (orders_in_doubt)', '{{step}}'),
          rangeQuery('max(order_refunds_pending)', 'RefundOrder'),
        ],
      }),
      ordersForOperators(),
      graph({
        title: 'Payments in doubt',
        description:
          'Authorizations, refunds and voids without a definite answer of the payment gateway. Normal: near 0.',
        unit: 'none',
        width: 6,
        thresholds: below(1, 20),
        queries: [rangeQuery('max by (kind) (payments_in_doubt)', '{{kind}}')],
      }),
      stat({
        title: 'Oldest payment in doubt',
        description: 'Age of the oldest authorization, refund or void in doubt. An alert fires at 5 minutes.',
        unit: 's',
        width: 4,
        decimals: 0,
        thresholds: below(60, 300),
        queries: [rangeQuery('max(payments_oldest_in_doubt_age_seconds)', 'age')],
      }).height(8),
    ],
  };
}

function ordersForOperators() {
  return stat({
    title: 'Orders that need an operator',
    description:
      'blocked: cancelled orders whose compensation another service rejected for good; an operator must retry or resolve ' +
      'each order. set aside: orders that no replica can read or drive. Normal: 0. Alerts fire after a minute (blocked) and ' +
      'at 2 minutes (set aside, as the oldest unfinished order).',
    unit: 'none',
    width: 4,
    decimals: 0,
    thresholds: below(1, 20),
    queries: [
      rangeQuery('sum(max by (step) (orders_blocked))', 'blocked'),
      rangeQuery('max(orders_parked_set_aside)', 'set aside'),
    ],
  }).height(8);
}

function saga(): Row {
  return {
    title: 'Saga steps',
    panels: [
      graph({
        title: '95th percentile by step',
        description:
          'Duration of one attempt of a step. A customer waits for the sum of all steps. The dots link to traces.',
        unit: 's',
        width: 8,
        queries: [
          rangeQueryWithExemplars(
            'histogram_quantile(0.95, sum by (step, le) (rate(saga_step_duration_seconds_bucket[$__rate_interval])))',
            '{{step}}',
          ),
        ],
      }),
      graph({
        title: 'Retries by step',
        description:
          'Retries per second. A step is retried when the called service gave no definite answer. Normal: 0.',
        unit: 'cps',
        width: 6,
        thresholds: below(0.1, 1),
        queries: [rangeQuery('sum by (step) (rate(saga_step_retries_total[$__rate_interval]))', '{{step}}')],
      }),
      graph({
        title: 'Outcomes of steps',
        description:
          'Attempts per second, by outcome. A step with the outcome in_doubt is retried; a refused step is not.',
        unit: 'cps',
        width: 5,
        queries: [
          rangeQuery(
            'sum by (outcome) (rate(saga_step_duration_seconds_count[$__rate_interval]))',
            '{{outcome}}',
          ),
        ],
      }),
      activeSagas(),
    ],
  };
}

function activeSagas() {
  return graph({
    title: 'Active sagas',
    description:
      'active: sagas that run in all replicas. limit: sum of the limits of all replicas. A replica at its limit rejects new ' +
      'orders. recovered: orders that a replica took over in this time range.',
    unit: 'none',
    width: 5,
    queries: [
      rangeQuery('sum(sagas_active)', 'active'),
      rangeQuery('sum(sagas_limit)', 'limit'),
      rangeQuery('sum(increase(sagas_recovered_total[$__range]))', 'recovered'),
    ],
  });
}
