import type { Order } from '../../../pkg/pb/order/v1/order.js';
import { stopTestCluster } from '../../support/postgres/test-cluster.js';
import { uuidv7 } from '../../../pkg/runtime/index.js';
import { startSystem } from '../../support/system.js';

// Runs all services in one process and places orders. order.test.ts checks the log of these orders.

export interface OrderIds {
  readonly confirmed: string;
  readonly declined: string;
  readonly outOfStock: string;
  readonly cancelled: string;
}

const system = await startSystem({
  env: { PRICE_CACHE_MAX_AGE: '0ms', LOG_LEVEL: process.argv[2] ?? 'info' },
});

async function place(customerId: string, paymentMethod: string, quantity = 1n): Promise<Order> {
  const { order } = await system.order.createOrder({
    requestId: uuidv7(),
    customerId,
    items: [{ sku: 'tea', quantity }],
    paymentMethod,
  });
  if (!order) throw new Error('createOrder returned no order');
  return order;
}

await system.stock({ sku: 'tea', quantity: 10n });
const confirmed = await place('c-confirmed', 'pm_approve_s3cret');
const declined = await place('c-declined', 'pm_decline_insufficient_funds');
const outOfStock = await place('c-out-of-stock', 'pm_approve_s3cret', 11n);
const cancelled = await place('c-cancelled', 'pm_approve_s3cret');
await system.order.cancelOrder({
  requestId: uuidv7(),
  orderId: cancelled.orderId,
  customerId: 'c-cancelled',
  reason: '',
});
await system.order.getOrder({ orderId: uuidv7(), customerId: '' }).catch(() => undefined);
await system.close();
await stopTestCluster();
const orderIds: OrderIds = {
  confirmed: confirmed.orderId,
  declined: declined.orderId,
  outOfStock: outOfStock.orderId,
  cancelled: cancelled.orderId,
};
process.send?.(orderIds);
process.disconnect?.();
