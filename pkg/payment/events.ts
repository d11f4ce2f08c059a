import type { Logger } from '../observability/index.js';
import type { Change, Payment } from './domain.js';
import type { PaymentMetrics } from './metrics.js';

/** A change of a payment, and how much money it moved, in minor units. */
export interface PaymentChange {
  readonly change: Change;
  /** As it is since. */
  readonly payment: Payment;
  readonly amount: bigint;
}

/** Hears of every change of a payment, once, after it is stored. */
export interface PaymentEvents {
  changed(change: PaymentChange): void;
}

/** Counts each change and logs it in one line. */
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
