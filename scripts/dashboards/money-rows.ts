import { currencyCodes, currencyExponent } from '../../pkg/money/index.js';
import type { Row } from './dashboard.js';
import { barGauge, graph } from './panel.js';
import { instantQuery, rangeQuery } from './query.js';

/** Currencies whose minor unit is not one hundredth of the unit, grouped by exponent. */
const exceptions = [0, 3, 4].map((exponent) => ({
  exponent,
  codes: currencyCodes.filter((code) => currencyExponent(code) === exponent),
}));

/**
 * Returns an expression that converts amounts in minor units into units of their currency. A divisor in PromQL cannot
 * depend on a label, so `select` returns the series of one divisor: those that match `currencyMatcher`.
 */
export function inUnits(select: (currencyMatcher: string) => string): string {
  const parts = exceptions.map(
    ({ exponent, codes }) => `${select(`currency=~"${codes.join('|')}"`)} / ${10 ** exponent}`,
  );
  const exceptionCodes = exceptions.flatMap(({ codes }) => codes).join('|');
  return [`${select(`currency!~"${exceptionCodes}"`)} / 100`, ...parts].join(' or ');
}

/** Returns the rows of the amounts and of the payments. */
export function moneyRows(): Row[] {
  return [money(), payments()];
}

function money(): Row {
  return {
    title: 'Money',
    panels: [
      barGauge({
        title: 'Captured and refunded amounts in this time range',
        description:
          'Amounts in units of their currency, such as 12.34 EUR or 1234 JPY. An authorized amount counts when it is captured.',
        unit: 'short',
        width: 10,
        decimals: 2,
        queries: [
          instantQuery(
            inUnits(
              (currencyMatcher) =>
                `sum by (currency, status) (increase(payments_amount_minor_units_total{status=~"captured|refunded", ${currencyMatcher}}[$__range]))`,
            ),
            '{{currency}} {{status}}',
          ),
        ],
      }),
      graph({
        title: 'Captured and refunded amounts per minute',
        description: 'Amounts in units of their currency.',
        unit: 'short',
        width: 14,
        decimals: 2,
        queries: [
          rangeQuery(
            inUnits(
              (currencyMatcher) =>
                `60 * sum by (currency, status) (rate(payments_amount_minor_units_total{status=~"captured|refunded", ${currencyMatcher}}[$__rate_interval]))`,
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
        title: 'Payment state changes',
        description:
          'State changes of payments, per minute. A payment is authorized, then captured. If the order is rejected, its authorized payment is voided.',
        unit: 'cpm',
        width: 14,
        queries: [
          rangeQuery('sum by (status) (rate(payments_processed_total[$__rate_interval])) * 60', '{{status}}'),
        ],
      }),
      barGauge({
        title: 'Declines by code',
        description:
          'Declined payments in this time range. ISSUER_UNAVAILABLE: the bank of the customer is unavailable. Many payments with ' +
          'SUSPECTED_FRAUD may indicate an attack.',
        unit: 'short',
        width: 10,
        decimals: 0,
        queries: [instantQuery('sum by (code) (increase(payment_declines_total[$__range]))', '{{code}}')],
      }),
    ],
  };
}
