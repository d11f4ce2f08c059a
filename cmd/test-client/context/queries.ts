import { isAppError } from '../../../pkg/errors/index.js';
import { StockView, type Reservation, type StockLevel } from '../../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order, type TimelineEntry } from '../../../pkg/pb/order/v1/order.js';
import { PaymentView, type Payment } from '../../../pkg/pb/payment/v1/payment.js';
import { recordOrder } from './actions.js';
import { isTerminal } from '../../audit/checks/order-states.js';
import { inParallel } from './parallel.js';
import { poll } from './polling.js';
import type { ScenarioContext } from './scenario-context.js';

/** Queries over the public API. */

const pageSize = 1000;
const terminalPollMs = 100;
const parallelLists = 16;

export async function getOrder(context: ScenarioContext, orderId: string): Promise<Order> {
  const { order } = await context.clients.order.getOrder({ orderId, customerId: '' });
  return recordOrder(context, order);
}

/** Returns every order of a customer, newest first. */
export async function listOrders(context: ScenarioContext, customerId: string): Promise<Order[]> {
  const orders: Order[] = [];
  let pageToken = '';
  do {
    const page = await context.clients.order.listOrders({
      pageSize,
      pageToken,
      customerId,
      state: OrderState.UNSPECIFIED,
    });
    for (const order of page.orders) orders.push(recordOrder(context, order));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return orders;
}

/** Waits until all orders of the customers are terminal or the timeout has passed, and returns the orders. */
export async function waitForTerminalOrders(
  context: ScenarioContext,
  customers: readonly string[],
  timeoutMs: number,
): Promise<Order[]> {
  const orders = new Map<string, Order[]>();
  let unfinished = [...customers];
  const refresh = async (): Promise<true | undefined> => {
    await inParallel(unfinished, parallelLists, async (customer) => {
      orders.set(customer, await listOrders(context, customer));
    });
    unfinished = unfinished.filter((customer) => !orders.get(customer)?.every(isTerminal));
    return unfinished.length === 0 ? true : undefined;
  };
  await poll(refresh, { timeoutMs, intervalMs: terminalPollMs, signal: context.signal });
  return [...orders.values()].flat();
}

export async function timelineOf(context: ScenarioContext, orderId: string): Promise<TimelineEntry[]> {
  return (await context.clients.order.getOrderTimeline({ orderId, customerId: '' })).entries;
}

/** Returns the stock level and audit of each SKU that was ever stocked, sorted by SKU. */
export async function stockOf(context: ScenarioContext, skus: readonly string[]): Promise<StockLevel[]> {
  const request = { skus: [...skus], view: StockView.AUDIT };
  return (await context.clients.inventory.batchGetStock(request)).stock;
}

/** @throws Error for an unknown SKU */
export async function stockOfOne(context: ScenarioContext, sku: string): Promise<StockLevel> {
  const [level] = await stockOf(context, [sku]);
  if (!level) throw new Error(`the SKU ${sku} is unknown`);
  return level;
}

export async function reservationOf(
  context: ScenarioContext,
  order: Order,
): Promise<Reservation | undefined> {
  const { reservationId } = order;
  if (reservationId === '') return undefined;
  const response = await undefinedIfNotFound(context.clients.inventory.getReservation({ reservationId }));
  return response?.reservation;
}

/** Returns every payment of an order with its gateway ledger. */
export async function paymentsOf(context: ScenarioContext, order: Order): Promise<Payment[]> {
  const { payments } = await context.clients.payment.listPayments({
    pageSize,
    pageToken: '',
    orderId: order.orderId,
  });
  // A payment that was voided before its authorization is a tombstone without an order id. ListPayments does not
  // return this tombstone for the order, so the payment id in the order is also read.
  const ids = new Set([...payments.map(({ paymentId }) => paymentId), order.paymentId]);
  ids.delete('');
  const view = PaymentView.AUDIT;
  const responses = await Promise.all(
    [...ids].map((paymentId) => undefinedIfNotFound(context.clients.payment.getPayment({ paymentId, view }))),
  );
  return responses.flatMap((response) => response?.payment ?? []);
}

async function undefinedIfNotFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isAppError(error) && notFoundReasons.has(error.reason)) return undefined;
    throw error;
  }
}

const notFoundReasons = new Set<string>(['PAYMENT_NOT_FOUND', 'RESERVATION_NOT_FOUND']);
