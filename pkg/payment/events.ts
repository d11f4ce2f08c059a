import type { Logger } from '../observability/index.js';
import type { PaymentChange } from './domain.js';
import type { PaymentMetrics } from './metrics.js';

export interface PaymentEvents {
  /**
   * Called at most once per change, after the change is stored. After a crash between the commit and the event, the
   * repeated call finds the stored change and does not publish the event.
   */
  changed(change: PaymentChange): void;
}

/** Counts and logs each change. */
export function paymentEvents(logger: Pick<Logger, 'info'>, metrics: PaymentMetrics): PaymentEvents {
  return {
    changed: (changed) => {
      metrics.count(changed);
      const { change, payment, amount } = changed;
      const { id, state, charge, decline } = payment;
      logger.info(
        {
          payment_id: id,
          order_id: charge?.orderId,
          change,
          state,
          amount,
          total_amount: charge?.amount,
          currency: charge?.currency,
          decline_code: decline?.code,
        },
        'payment changed',
      );
    },
  };
}
