import type { Row } from './dashboard.js';
import { inUnits } from './minor-units.js';
import { bars, graph } from './panel.js';
import { now, over } from './query.js';

/** Money moved, and payments. */
export function moneyRows(): Row[] {
  return [money(), payments()];
}

function money(): Row {
  return {
    title: 'Money',
    panels: [
      bars({
        title: 'Captured and refunded in this time range',
        description:
          'In whole units of each currency: 12.34 EUR, 1234 JPY. Authorized money is not counted: it is not ours yet.',
        unit: 'short',
        width: 10,
        decimals: 2,
        queries: [
          now(
            inUnits(
              (of) =>
                `sum by (currency, status) (increase(payments_amount_minor_units_total{status=~"captured|refunded", ${of}}[$__range]))`,
            ),
            '{{currency}} {{status}}',
          ),
        ],
      }),
      graph({
        title: 'Money per minute',
        description: 'Captured and refunded, in whole units of each currency.',
        unit: 'short',
        width: 14,
        decimals: 2,
        queries: [
          over(
            inUnits(
              (of) =>
                `60 * sum by (currency, status) (rate(payments_amount_minor_units_total{status=~"captured|refunded", ${of}}[$__rate_interval]))`,
            ),
            '{{currency}} {{status}}',
          ),
        ],
      }),
    ],
  };
}

function payments(): Row {
  return {
    title: 'Payments',
    panels: [
      graph({
        title: 'Payments',
        description:
          'Changes of payments, per minute. Captured follows authorized; voided are rejected orders.',
        unit: 'cpm',
        width: 14,
        queries: [
          over('sum by (status) (rate(payments_processed_total[$__rate_interval])) * 60', '{{status}}'),
        ],
      }),
      bars({
        title: 'Declines by code',
        description:
          'Payments declined in this time range. ISSUER_UNAVAILABLE is a fault of the bank; many SUSPECTED_FRAUD ' +
          'may be an attack.',
        unit: 'short',
        width: 10,
        decimals: 0,
        queries: [now('sum by (code) (increase(payment_declines_total[$__range]))', '{{code}}')],
      }),
    ],
  };
}
