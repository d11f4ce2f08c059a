import { annotateCall } from '../observability/index.js';
import { OrderServiceService } from '../pb/order/v1/order.js';
import { encodePageToken, handler, implement, type BoundService, type CallContext } from '../rpc/index.js';
import { rejectionOf, type Order } from './domain.js';
import {
  pageFilter,
  parseCancelOrder,
  parseCreateOrder,
  parseListOrders,
  parseOrderRef,
  parseWatchOrder,
} from './grpc-parse.js';
import { entryToWire, orderToWire } from './grpc-wire.js';
import type { OrderService, Patience } from './service.js';

/** How long before the deadline a waiting call answers PENDING, milliseconds. */
const answerMarginMs = 50;

/** Serves `order.v1.OrderService`. */
export function orderHandlers(orders: OrderService): BoundService {
  return implement(OrderServiceService, {
    createOrder: handler(parseCreateOrder, async (request, context) => {
      annotateRef({ customerId: request.customerId });
      return { order: answer(await orders.createOrder(request, patienceOf(context))) };
    }),
    getOrder: handler(parseOrderRef, async ({ id, customerId }) => {
      annotateRef({ id, customerId });
      return { order: answer(await orders.getOrder(id, customerId)) };
    }),
    listOrders: handler(parseListOrders, async ({ filter, page }) => {
      annotateRef(filter);
      const found = await orders.listOrders(filter, { ...page, size: page.size + 1 });
      const shown = found.slice(0, page.size);
      const last = found.length > page.size ? shown.at(-1) : undefined;
      const nextPageToken = last ? encodePageToken([last.id], pageFilter(filter)) : '';
      return { orders: shown.map(orderToWire), nextPageToken };
    }),
    cancelOrder: handler(parseCancelOrder, async (cancellation, context) => {
      annotateRef({ id: cancellation.orderId, customerId: cancellation.customerId });
      return { order: answer(await orders.cancelOrder(cancellation, patienceOf(context))) };
    }),
    watchOrder: handler(parseWatchOrder, async function* watch(order, context) {
      annotateRef(order);
      for await (const entry of orders.watchOrder(order, context.signal)) {
        annotateCall({ state: entry.to }, { 'order.state': entry.to });
        yield { entry: entryToWire(entry) };
      }
    }),
    getOrderTimeline: handler(parseOrderRef, async ({ id, customerId }) => {
      annotateRef({ id, customerId });
      return { entries: (await orders.getTimeline(id, customerId)).map(entryToWire) };
    }),
  });
}

function patienceOf(context: CallContext): Patience {
  return { deadline: context.deadline - answerMarginMs, signal: context.signal };
}

/** Also a call that fails is found by what it asked for. */
function annotateRef({ id, customerId }: { id?: string; customerId: string }): void {
  if (id !== undefined) annotateCall({ order_id: id }, { 'order.id': id });
  if (customerId !== '') annotateCall({ customer_id: customerId }, { 'customer.id': customerId });
}

/** The order for the wire; who and what it concerns on the log line and the span. */
function answer(order: Order) {
  const { id, customerId, state, total, reservationId, paymentId } = order;
  annotateRef({ id, customerId });
  annotateCall(
    { reservation_id: reservationId, payment_id: paymentId },
    { 'inventory.reservation_id': reservationId, 'payment.id': paymentId },
  );
  annotateCall(
    { state, total_amount: total.minor, currency: total.currency },
    {
      'order.state': state,
      'order.total_minor': Number(total.minor),
      'order.currency': total.currency,
    },
  );
  const reason = rejectionOf(order)?.reason;
  if (reason) annotateCall({ rejection_reason: reason }, { 'order.rejection_reason': reason });
  return orderToWire(order);
}
