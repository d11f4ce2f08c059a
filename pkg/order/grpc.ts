import { annotateCall } from '../observability/index.js';
import { OrderServiceService } from '../pb/order/v1/order.js';
import { encodePageToken, handler, implement, type BoundService, type CallContext } from '../rpc/index.js';
import type { Order } from './domain.js';
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
      annotateCall({ customer_id: request.customerId });
      return { order: answer(await orders.createOrder(request, patienceOf(context))) };
    }),
    getOrder: handler(parseOrderRef, async ({ id, customerId }) => ({
      order: answer(await orders.getOrder(id, customerId)),
    })),
    listOrders: handler(parseListOrders, async ({ filter, page }) => {
      const found = await orders.listOrders(filter, { ...page, size: page.size + 1 });
      const shown = found.slice(0, page.size);
      const last = found.length > page.size ? shown.at(-1) : undefined;
      const nextPageToken = last ? encodePageToken([last.id], pageFilter(filter)) : '';
      return { orders: shown.map(orderToWire), nextPageToken };
    }),
    cancelOrder: handler(parseCancelOrder, async (cancellation, context) => ({
      order: answer(await orders.cancelOrder(cancellation, patienceOf(context))),
    })),
    watchOrder: handler(parseWatchOrder, async function* watch(order, context) {
      annotateCall({ order_id: order.id }, { 'order.id': order.id });
      for await (const entry of orders.watchOrder(order, context.signal)) yield { entry: entryToWire(entry) };
    }),
    getOrderTimeline: handler(parseOrderRef, async ({ id, customerId }) => {
      annotateCall({ order_id: id }, { 'order.id': id });
      return { entries: (await orders.getTimeline(id, customerId)).map(entryToWire) };
    }),
  });
}

function patienceOf(context: CallContext): Patience {
  return { deadline: context.deadline - answerMarginMs, signal: context.signal };
}

/** The order for the wire, its identifiers on the log line and the span. */
function answer(order: Order) {
  const { id, customerId, state, total } = order;
  annotateCall(
    { order_id: id, customer_id: customerId, state, total_amount: total.minor, currency: total.currency },
    {
      'order.id': id,
      'order.state': state,
      'order.total_minor': Number(total.minor),
      'order.currency': total.currency,
    },
  );
  return orderToWire(order);
}
