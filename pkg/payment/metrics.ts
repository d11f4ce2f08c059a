import { Counter, type Registry } from 'prom-client';
import type { DatabaseGauges } from '../postgres/index.js';
import { declineCodes, type Change, type PaymentChange } from './domain.js';
import { readPendingCalls } from './metrics-queries.js';

const statusAfter: Readonly<Record<Change, string>> = {
  AUTHORIZE: 'authorized',
  DECLINE: 'declined',
  EXPIRE: 'expired',
  CAPTURE: 'captured',
  CAPTURE_DECLINE: 'capture_declined',
  VOID: 'voided',
  REFUND: 'refunded',
  EXTERNAL_REFUND: 'externally_refunded',
  REFUND_CANCEL: 'refund_cancelled',
};

const moneyChanges = [
  'AUTHORIZE',
  'CAPTURE',
  'VOID',
  'REFUND',
  'EXTERNAL_REFUND',
] as const satisfies readonly Change[];

export interface PaymentMetrics {
  count(change: PaymentChange): void;
}

/** Business metrics of the changes that this process makes. Metric names and labels are part of the API. */
export function paymentMetrics(registry: Registry): PaymentMetrics {
  const registers = [registry];
  const processed = new Counter({
    name: 'payments_processed_total',
    help: 'Payment changes by status; each partial refund counts as one.',
    labelNames: ['status'],
    registers,
  });
  const declines = new Counter({
    name: 'payment_declines_total',
    help: 'Declined authorizations and captures by decline code.',
    labelNames: ['code'],
    registers,
  });
  // Series start at zero so that rate functions see the first increase.
  for (const status of Object.values(statusAfter)) processed.inc({ status }, 0);
  for (const code of declineCodes) declines.inc({ code }, 0);
  const countMoney = moneyCounter(registry);
  return {
    count: (changed) => {
      const { change, payment } = changed;
      processed.inc({ status: statusAfter[change] });
      if (change === 'DECLINE' && payment.decline) declines.inc({ code: payment.decline.code });
      if (change === 'CAPTURE_DECLINE' && payment.captureDecline)
        declines.inc({ code: payment.captureDecline.code });
      countMoney(changed);
    },
  };
}

function moneyCounter(registry: Registry): PaymentMetrics['count'] {
  const amounts = new Counter({
    name: 'payments_amount_minor_units_total',
    help: 'Authorized, captured, voided and refunded amounts in minor units of the currency.',
    labelNames: ['currency', 'status'],
    registers: [registry],
  });
  // The series of a currency are created at its first payment. To create them for every currency in advance would add
  // hundreds of series.
  const knownCurrencies = new Set<string>();
  return ({ change, payment, amount }) => {
    const currency = payment.charge?.currency;
    if (currency === undefined || amount === 0n) return;
    if (!knownCurrencies.has(currency))
      for (const kind of moneyChanges) amounts.inc({ currency, status: statusAfter[kind] }, 0);
    knownCurrencies.add(currency);
    amounts.inc({ currency, status: statusAfter[change] }, Number(amount));
  };
}

/** Payments of all replicas that wait for the gateway or a customer, read from the database. */
export function paymentGauges(gauges: DatabaseGauges): void {
  gauges.register({
    gauges: {
      payments_in_doubt: {
        help: 'Authorizations, refunds and voids without a definite answer of the gateway.',
        labelNames: ['kind'],
      },
      payments_oldest_in_doubt_age_seconds: {
        help: 'Age of the oldest authorization, refund or void without a definite answer; 0 if there is none.',
      },
      payments_action_required: {
        help: 'Payments that wait for their customer.',
      },
    },
    read: async (db) => {
      const { authorizations, refunds, voids, oldestSeconds, actionRequired } = await readPendingCalls(db);
      return {
        payments_in_doubt: [
          { labels: { kind: 'authorization' }, value: authorizations },
          { labels: { kind: 'refund' }, value: refunds },
          { labels: { kind: 'void' }, value: voids },
        ],
        payments_oldest_in_doubt_age_seconds: [{ value: oldestSeconds }],
        payments_action_required: [{ value: actionRequired }],
      };
    },
  });
}
