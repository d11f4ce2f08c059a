import { Counter, type Registry } from 'prom-client';
import type { DatabaseGauges } from '../postgres/index.js';
import { declineCodes, type Change } from './domain.js';
import type { PaymentChange } from './events.js';
import { readOwedAnswers } from './owed-store.js';

const statusAfter: Readonly<Record<Change, string>> = {
  AUTHORIZE: 'authorized',
  DECLINE: 'declined',
  CAPTURE: 'captured',
  VOID: 'voided',
  REFUND: 'refunded',
};

/** What a change that moves money can be. */
const movements = ['AUTHORIZE', 'CAPTURE', 'VOID', 'REFUND'] as const satisfies readonly Change[];

export interface PaymentMetrics {
  count(change: PaymentChange): void;
}

/** The business metrics of payments that count what this process does. Names and labels are API. */
export function paymentMetrics(registry: Registry): PaymentMetrics {
  const registers = [registry];
  const processed = new Counter({
    name: 'payments_processed_total',
    help: 'Changes of payments: authorized, declined, captured, voided, refunded (each refund counts).',
    labelNames: ['status'],
    registers,
  });
  const declines = new Counter({
    name: 'payment_declines_total',
    help: 'Declined payments, by decline code.',
    labelNames: ['code'],
    registers,
  });
  // A series that starts at zero shows its first increase.
  for (const status of Object.values(statusAfter)) processed.inc({ status }, 0);
  for (const code of declineCodes) declines.inc({ code }, 0);
  const countMoney = moneyCounter(registry);
  return {
    count: (changed) => {
      const { change, payment } = changed;
      processed.inc({ status: statusAfter[change] });
      if (change === 'DECLINE' && payment.decline) declines.inc({ code: payment.decline.code });
      countMoney(changed);
    },
  };
}

function moneyCounter(registry: Registry): PaymentMetrics['count'] {
  const moved = new Counter({
    name: 'payments_amount_minor_units_total',
    help: 'Money authorized, captured, voided and refunded, in minor units of its currency.',
    labelNames: ['currency', 'status'],
    registers: [registry],
  });
  // All of ISO 4217 at zero would be hundreds of series; most shops know a handful of currencies.
  const seen = new Set<string>();
  return ({ change, payment, amount }) => {
    const currency = payment.charge?.currency;
    if (currency === undefined || amount === 0n) return;
    if (!seen.has(currency))
      for (const other of movements) moved.inc({ currency, status: statusAfter[other] }, 0);
    seen.add(currency);
    moved.inc({ currency, status: statusAfter[change] }, Number(amount));
  };
}

/** What the gateway has yet to confirm, whoever asked it. */
export function paymentGauges(gauges: DatabaseGauges): void {
  gauges.show({
    gauges: {
      payments_in_doubt: {
        help: 'Refunds and voids that the gateway has not confirmed yet.',
        labelNames: ['kind'],
      },
      payments_oldest_in_doubt_age_seconds: {
        help: 'Age of the oldest refund or void that the gateway has not confirmed yet; 0 without one.',
      },
    },
    read: async (db) => {
      const { refunds, voids, oldestSeconds } = await readOwedAnswers(db);
      return {
        payments_in_doubt: [
          { labels: { kind: 'refund' }, value: refunds },
          { labels: { kind: 'void' }, value: voids },
        ],
        payments_oldest_in_doubt_age_seconds: [{ value: oldestSeconds }],
      };
    },
  });
}
