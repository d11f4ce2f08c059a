import { OrderState, type Order } from '../../../pkg/pb/order/v1/order.js';
import { inParallel } from '../../test-client/context/parallel.js';
import { minorUnits } from '../checks/amounts.js';
import { awaitsGateway } from '../checks/gateway.js';
import { isTerminal } from '../checks/order-states.js';
import { isLive } from '../checks/payment.js';
import { judgeOrder, readOrder, type ExaminedOrder } from '../examine/examine-order.js';
import { pagesOf } from './pages.js';
import { addOrder } from './references.js';
import type { Scan } from './scan.js';

/** Reads the orders that exist at the start, newest first, each with its records in every service. */
export async function scanOrders(
  context: Scan,
  { reconcileOnly }: { readonly reconcileOnly: boolean },
): Promise<void> {
  const { services, sort, figures, pageSize, parallel, onProgress, signal } = context;
  const pages = pagesOf(async (pageToken) => {
    const filter = { customerId: '', state: OrderState.UNSPECIFIED };
    const range = { createTimeFrom: undefined, createTimeBefore: undefined };
    const { orders, nextPageToken } = await services.order.listOrders({
      pageSize,
      pageToken,
      ...filter,
      ...range,
    });
    return { items: orders, nextPageToken };
  });
  let count = 0;
  for await (const page of pages) {
    signal.throwIfAborted();
    for (const order of page) await addOrder(sort, order);
    if (!reconcileOnly) await inParallel(page, parallel, (order) => examineOrder(context, order));
    count += page.length;
    onProgress('orders', count);
  }
  for (const invariant of [2, 3, 5, 6, 7, 9]) figures.add(invariant, { orders: count });
}

async function examineOrder({ services, candidates, figures }: Scan, order: Order): Promise<void> {
  const examined = await readOrder(services, order);
  candidates.add(judgeOrder(examined));
  countOrder(figures, examined);
}

function countOrder(
  figures: Scan['figures'],
  { order, timeline, payments, progress, reservation }: ExaminedOrder,
): void {
  const isConfirmed = Number(order.state === OrderState.CONFIRMED);
  const refunds = payments.filter(({ refundedAmount }) => minorUnits(refundedAmount) > 0n).length;
  const isUnfinished = Number(!isTerminal(order));
  figures.add(2, { confirmed: isConfirmed, of_orders: reservation ? 1 : 0 });
  figures.add(3, { confirmed: isConfirmed, live_payments: payments.filter(isLive).length });
  figures.add(4, { payments: payments.length, refunded: refunds });
  figures.add(5, { terminal: 1 - isUnfinished });
  figures.add(6, { unfinished: isUnfinished });
  if (progress !== 'TERMINAL') figures.add(6, { [progress.toLowerCase()]: 1 });
  figures.add(7, { entries: timeline.length });
  figures.add(8, {
    payments: payments.length,
    refunds: refunds,
    await_gateway: payments.filter(awaitsGateway).length,
  });
  if (progress === 'BLOCKED')
    figures.note(
      6,
      `order ${order.orderId} is blocked: ${order.blockedReason}; see RetryOrder, ResolveOrder`,
    );
  if (progress === 'AWAITS_CUSTOMER' || progress === 'AWAITS_GATEWAY')
    figures.note(6, `order ${order.orderId} ${progress.toLowerCase().replace('_', ' ')}`);
}
