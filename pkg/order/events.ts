import type { Logger } from '../observability/index.js';
import { rejectionOf, type Order } from './domain.js';
import type { OrderMetrics } from './metrics.js';
import type { OrderEvents } from './ports.js';

/** Counts what happens to orders, and logs each change of an order's state in one line. */
export function orderEvents(logger: Pick<Logger, 'info'>, metrics: OrderMetrics): OrderEvents {
  return {
    changed: (order) => {
      metrics.countChange(order);
      logger.info({ ...fieldsOf(order), rejection_reason: rejectionOf(order)?.reason }, 'order changed');
    },
    recovered: (order) => {
      metrics.countRecovery();
      logger.info({ ...fieldsOf(order), step: order.step }, 'order claimed');
    },
    stepEnded: (attempt) => metrics.countAttempt(attempt),
  };
}

function fieldsOf({ id, customerId, state, total }: Order): object {
  return {
    order_id: id,
    customer_id: customerId,
    state,
    total_amount: total.minor,
    currency: total.currency,
  };
}
