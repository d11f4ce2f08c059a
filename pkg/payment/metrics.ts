import { Counter, type Registry } from 'prom-client';
import { declineCodes, type Change, type Payment } from './domain.js';

const statusAfter: Readonly<Record<Change, string>> = {
  AUTHORIZE: 'authorized',
  DECLINE: 'declined',
  CAPTURE: 'captured',
  VOID: 'voided',
  REFUND: 'refunded',
};

export interface PaymentMetrics {
  /** Counts one change of a payment. */
  count(change: Change, payment: Payment): void;
}

/** The business metrics of payments. Names and labels are API. */
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
  return {
    count: (change, { decline }) => {
      processed.inc({ status: statusAfter[change] });
      if (change === 'DECLINE' && decline) declines.inc({ code: decline.code });
    },
  };
}
