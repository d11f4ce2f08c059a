import { format } from '../money/index.js';
import type { Logger } from '../observability/index.js';
import { amountOf, type Change, type Payment } from './domain.js';
import type { PaymentMetrics } from './metrics.js';

/** Hears of every change of a payment, once, after it is stored. */
export interface PaymentEvents {
  changed(change: Change, payment: Payment): void;
}

/** Counts each change and logs it in one line. */
export function paymentEvents(logger: Logger, metrics: PaymentMetrics): PaymentEvents {
  return {
    changed: (change, payment) => {
      metrics.count(change, payment);
      const amount = amountOf(payment);
      logger.info(
        {
          payment_id: payment.id,
          order_id: payment.charge?.orderId,
          change,
          state: payment.state,
          total_amount: amount && format(amount),
          decline_code: payment.decline?.code,
        },
        'payment changed',
      );
    },
  };
}
