import type { Row } from './dashboard.js';
import { above, below } from './limits.js';
import { bars, figure, graph, stackedGraph } from './panel.js';
import { now, over, overWithExemplars } from './query.js';

/** What became of orders, and what they wait for. */
export function orderRows(): Row[] {
  return [orders(), unfinished(), saga()];
}

function orders(): Row {
  return {
    title: 'Orders',
    panels: [
      figure({
        title: 'Orders in this time range',
        description: 'Orders whose outcome became known: confirmed (success) and rejected (failed).',
        unit: 'short',
        width: 6,
        decimals: 0,
        queries: [now('sum by (status) (increase(orders_created_total[$__range]))', '{{status}}')],
      }).height(8),
      figure({
        title: 'Confirmed',
        description:
          'Share of orders confirmed, of all whose outcome became known in this time range. What is normal ' +
          'depends on stock and customers; a sudden fall is a fault or an empty shelf.',
        unit: 'percentunit',
        width: 4,
        decimals: 1,
        whenEmpty: 'no orders',
        limits: above(0.5, 0.8),
        queries: [
          now(
            'sum(increase(orders_created_total{status="success"}[$__range])) / sum(increase(orders_created_total[$__range]))',
            'confirmed',
          ),
        ],
      }).height(8),
      stackedGraph({
        title: 'Outcomes per minute',
        description: 'Orders confirmed and rejected, per minute.',
        unit: 'cpm',
        width: 8,
        queries: [over('sum by (status) (rate(orders_created_total[$__rate_interval])) * 60', '{{status}}')],
      }),
      bars({
        title: 'Orders by state',
        description: 'All orders there are. PENDING and CANCELLING are under way: a few, and never for long.',
        unit: 'short',
        width: 6,
        queries: [now('max by (state) (orders_by_state)', '{{state}}')],
      }),
    ],
  };
}

function unfinished(): Row {
  return {
    title: 'Unfinished and in doubt',
    panels: [
      figure({
        title: 'Oldest unfinished order',
        description:
          'How long the oldest order is under way that is neither confirmed nor rejected nor cancelled. ' +
          'Normal: seconds. An alert comes at 2 minutes.',
        unit: 's',
        width: 5,
        decimals: 0,
        limits: below(30, 120),
        queries: [over('max(orders_oldest_unfinished_age_seconds)', 'age')],
      }).height(8),
      graph({
        title: 'Orders in doubt, by step',
        description:
          'Unfinished orders whose step has failed at least once and is tried again: the service behind that ' +
          'step does not answer. Normal: 0.',
        unit: 'none',
        width: 7,
        limits: below(1, 20),
        queries: [over('max by (step) (orders_in_doubt)', '{{step}}')],
      }),
      graph({
        title: 'Refunds and voids in doubt',
        description:
          'Money owed to customers, or holds to be lifted, that the payment gateway has not confirmed yet. ' +
          'Normal: 0.',
        unit: 'none',
        width: 7,
        limits: below(1, 20),
        queries: [over('max by (kind) (payments_in_doubt)', '{{kind}}')],
      }),
      figure({
        title: 'Oldest payment in doubt',
        description: 'Age of the oldest of them. An alert comes at 5 minutes.',
        unit: 's',
        width: 5,
        decimals: 0,
        limits: below(60, 300),
        queries: [over('max(payments_oldest_in_doubt_age_seconds)', 'age')],
      }).height(8),
    ],
  };
}

function saga(): Row {
  return {
    title: 'Steps of an order',
    panels: [
      graph({
        title: '95th percentile by step',
        description:
          'Time of one attempt. Together the steps are what a customer waits. The dots lead to traces.',
        unit: 's',
        width: 8,
        queries: [
          overWithExemplars(
            'histogram_quantile(0.95, sum by (step, le) (rate(saga_step_duration_seconds_bucket[$__rate_interval])))',
            '{{step}}',
          ),
        ],
      }),
      graph({
        title: 'Retries by step',
        description: 'Attempts after one that ended in doubt, per second. Normal: none.',
        unit: 'cps',
        width: 6,
        limits: below(0.1, 1),
        queries: [over('sum by (step) (rate(saga_step_retries_total[$__rate_interval]))', '{{step}}')],
      }),
      graph({
        title: 'Outcomes of steps',
        description: 'Attempts per second. Refused is a no for good; in_doubt is tried again.',
        unit: 'cps',
        width: 5,
        queries: [
          over('sum by (outcome) (rate(saga_step_duration_seconds_count[$__rate_interval]))', '{{outcome}}'),
        ],
      }),
      graph({
        title: 'Orders under way',
        description:
          'In all replicas, and the most there may be: then new ones are refused. Taken over: orders that ' +
          'another replica left behind, in this time range.',
        unit: 'none',
        width: 5,
        queries: [
          over('sum(sagas_active)', 'under way'),
          over('sum(sagas_limit)', 'most'),
          over('sum(increase(sagas_recovered_total[$__range]))', 'taken over'),
        ],
      }),
    ],
  };
}
