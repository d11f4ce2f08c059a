import { isAppError } from '../../pkg/errors/index.js';
import { StockView, type Reservation, type StockLevel } from '../../pkg/pb/inventory/v1/inventory.js';
import { OrderState, type Order, type TimelineEntry } from '../../pkg/pb/order/v1/order.js';
import { PaymentView, type Payment } from '../../pkg/pb/payment/v1/payment.js';
import { see } from './shop.js';
import type { World } from './world.js';

/** What the services say, through the public API alone. */

const pageSize = 1000;

export async function getOrder(world: World, orderId: string): Promise<Order> {
  const { order } = await world.clients.order.getOrder({ orderId, customerId: '' });
  return see(world, order);
}

/** Every order of a customer, newest first. */
export async function listOrders(world: World, customerId: string): Promise<Order[]> {
  const orders: Order[] = [];
  let pageToken = '';
  do {
    const page = await world.clients.order.listOrders({
      pageSize,
      pageToken,
      customerId,
      state: OrderState.UNSPECIFIED,
    });
    for (const order of page.orders) orders.push(see(world, order));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return orders;
}

export async function timelineOf(world: World, orderId: string): Promise<TimelineEntry[]> {
  return (await world.clients.order.getOrderTimeline({ orderId, customerId: '' })).entries;
}

/** Stock of the SKUs that are known, with what the records say about it, in SKU order. */
export async function stockOf(world: World, skus: readonly string[]): Promise<StockLevel[]> {
  const request = { skus: [...skus], view: StockView.AUDIT };
  return (await world.clients.inventory.batchGetStock(request)).stock;
}

/** Stock of one SKU. */
export async function stockOfOne(world: World, sku: string): Promise<StockLevel> {
  const [level] = await stockOf(world, [sku]);
  if (!level) throw new Error(`there is no stock of ${sku}`);
  return level;
}

export async function reservationOf(world: World, order: Order): Promise<Reservation | undefined> {
  const { reservationId } = order;
  if (reservationId === '') return undefined;
  const found = await unlessUnknown(world.clients.inventory.getReservation({ reservationId }));
  return found?.reservation;
}

/** Every payment of an order, with the gateway's books. */
export async function paymentsOf(world: World, order: Order): Promise<Payment[]> {
  const { payments } = await world.clients.payment.listPayments({
    pageSize,
    pageToken: '',
    orderId: order.orderId,
  });
  // A payment voided before it was made knows no order: only the order knows it.
  const ids = new Set([...payments.map(({ paymentId }) => paymentId), order.paymentId]);
  ids.delete('');
  const view = PaymentView.AUDIT;
  const found = await Promise.all(
    [...ids].map((paymentId) => unlessUnknown(world.clients.payment.getPayment({ paymentId, view }))),
  );
  return found.flatMap((answer) => answer?.payment ?? []);
}

async function unlessUnknown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAppError(error) && unknown.has(error.reason)) return undefined;
    throw error;
  }
}

const unknown = new Set<string>(['PAYMENT_NOT_FOUND', 'RESERVATION_NOT_FOUND']);
