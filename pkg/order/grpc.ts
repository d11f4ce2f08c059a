import { annotateCall, recordFailure } from '../observability/index.js';
import {
  OrderServiceService,
  type BatchGetOrdersResponse,
  type ListOrdersResponse,
} from '../pb/order/v1/order.js';
import {
  encodePageToken,
  handler,
  implement,
  isFault,
  type BoundService,
  type CallContext,
} from '../rpc/index.js';
import type { WaitOptions } from './watch/await-terminal.js';
import { rejectionOf, type OperatorAction, type Order } from './domain.js';
import {
  pageFilter,
  parseBatchGetOrders,
  parseCancelOrder,
  parseCreateOrder,
  parseListOrders,
  parseOperatorAction,
  parseOrderRef,
  parseRefundOrder,
  parseWatchOrder,
  type OrderListing,
  type OrderRefs,
} from './grpc-parse.js';
import { entryToWire, foundToWire, orderToWire, requireResponseSize, resultToWire } from './grpc-wire.js';
import type { OrderService } from './service.js';

/** Time between the end of a wait and the deadline of the call, so that the response arrives in time. */
const responseMarginMs = 50;

/** Handlers of `order.v1.OrderService`. */
export function orderHandlers(orders: OrderService): BoundService {
  return implement(OrderServiceService, {
    createOrder: handler(parseCreateOrder, async (request, context) => {
      annotateRef({ customerId: request.customerId });
      return { order: toResponse(await orders.createOrder(request, waitOptions(context))) };
    }),
    getOrder: handler(parseOrderRef, async ({ id, customerId }, context) => {
      annotateRef({ id, customerId });
      return { order: toResponse(await orders.getOrder(id, customerId, context)) };
    }),
    batchGetOrders: handler(parseBatchGetOrders, (refs, context) => batchGet(orders, refs, context)),
    listOrders: handler(parseListOrders, (listing, context) => list(orders, listing, context)),
    cancelOrder: handler(parseCancelOrder, async (cancellation, context) => {
      annotateRef({ id: cancellation.orderId, customerId: cancellation.customerId });
      return { order: toResponse(await orders.cancelOrder(cancellation, waitOptions(context))) };
    }),
    refundOrder: handler(parseRefundOrder, async (request, context) => {
      annotateAction(request);
      return { order: toResponse(await orders.operators.refundOrder(request, waitOptions(context))) };
    }),
    retryOrder: handler(parseOperatorAction, async (action, context) => {
      annotateAction(action);
      return { order: toResponse(await orders.operators.retryOrder(action, context)) };
    }),
    resolveOrder: handler(parseOperatorAction, async (action, context) => {
      annotateAction(action);
      return { order: toResponse(await orders.operators.resolveOrder(action, context)) };
    }),
    watchOrder: handler(parseWatchOrder, async function* watch(order, context) {
      annotateRef(order);
      for await (const entry of orders.watchOrder(order, context.signal)) {
        annotateCall({ state: entry.to }, { 'order.state': entry.to });
        yield { entry: entryToWire(entry) };
      }
    }),
    getOrderTimeline: handler(parseOrderRef, async ({ id, customerId }, context) => {
      annotateRef({ id, customerId });
      return { entries: (await orders.getTimeline(id, customerId, context)).map(entryToWire) };
    }),
  });
}

async function batchGet(
  orders: OrderService,
  refs: OrderRefs,
  context: CallContext,
): Promise<BatchGetOrdersResponse> {
  annotateRef({ customerId: refs.customerId });
  const results = (await orders.batchGetOrders(refs, context)).map(foundToWire);
  requireResponseSize(results);
  const unreadable = results.filter((result) => result instanceof Error && isFault(result));
  if (unreadable.length > 0) {
    annotateCall({ unreadable_orders: unreadable.length });
    recordFailure(unreadable[0]);
  }
  return { results: results.map(resultToWire) };
}

async function list(
  orders: OrderService,
  { filter, page }: OrderListing,
  context: CallContext,
): Promise<ListOrdersResponse> {
  annotateRef(filter);
  const listed = await orders.listOrders(filter, page, context);
  if (listed.unreadable.length > 0) annotateCall({ unreadable_orders: listed.unreadable.length });
  const nextPageToken = listed.next ? encodePageToken([listed.next], pageFilter(filter)) : '';
  return { orders: listed.orders.map(orderToWire), nextPageToken };
}

function waitOptions(context: CallContext): WaitOptions {
  const { deadline, signal } = context;
  return { deadline: deadline - responseMarginMs, signal, onWait: () => context.wait() };
}

/** Adds ids to the log line and span of the call. Handlers call this first, so that failed calls have the ids, too. */
function annotateRef({ id, customerId }: { id?: string; customerId: string }): void {
  if (id !== undefined) annotateCall({ order_id: id }, { 'order.id': id });
  if (customerId !== '') annotateCall({ customer_id: customerId }, { 'customer.id': customerId });
}

function annotateAction({ orderId, actor }: OperatorAction): void {
  annotateCall({ order_id: orderId, actor }, { 'order.id': orderId, 'order.actor': actor });
}

/** Converts an order to a message, and adds its ids, state and total to the log line and span of the call. */
function toResponse(order: Order) {
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
