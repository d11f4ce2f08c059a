import { multiply, toWire, type Money } from '../../../pkg/money/index.js';
import type { CancelOrderRequest, CreateOrderRequest, Order } from '../../../pkg/pb/order/v1/order.js';
import { assertSuccess, tryCall, type CallResult, type CallSuccess } from './calls.js';
import type { OrderClient } from './clients.js';
import type { Delivery } from './run-log.js';
import type { ScenarioContext } from './scenario-context.js';

/** Actions of customers and operators. The run log records orders, cancellations and deliveries. */

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** Initial stock. */
  readonly units: bigint;
}

export interface NewProduct {
  /** Suffix of the SKU. */
  readonly slug: string;
  readonly price: Money;
  readonly units: number;
}

/** Creates a product of this run with its initial stock. */
export async function stockProduct(
  context: ScenarioContext,
  { slug, price, units }: NewProduct,
): Promise<Product> {
  const product = { sku: context.name(slug), name: slug.replaceAll('-', ' '), price, units: BigInt(units) };
  const { sku, name } = product;
  await context.clients.catalog.createProduct({
    requestId: context.nextRequestId(),
    product: { sku, name, description: 'Created by test-client', price: toWire(price), revision: 0n },
  });
  await adjustStock(context, sku, units);
  return product;
}

/** Adds units to the stock of a SKU. */
export async function adjustStock(context: ScenarioContext, sku: string, units: number): Promise<void> {
  const request = deliveryRequest({ requestId: context.nextRequestId(), sku, units: BigInt(units) });
  const { stock } = await context.clients.inventory.adjustStock(request);
  context.log.recordDelivery({
    requestId: request.requestId,
    sku,
    units: request.delta,
    onHand: stock?.onHand ?? -1n,
  });
}

export function deliveryRequest({ requestId, sku, units }: Omit<Delivery, 'onHand'>) {
  return { requestId, sku, delta: units, reason: 'test-client' };
}

export interface NewOrder {
  /** Suffix of the customer id. */
  readonly customer: string;
  readonly items: readonly (readonly [Product, number])[];
  /** Test token of the simulated gateway; `pm_approve` by default. */
  readonly paymentMethod?: string;
}

/** Returns a CreateOrder request with a new idempotency key. */
export function orderRequest(
  context: ScenarioContext,
  { customer, items, paymentMethod }: NewOrder,
): CreateOrderRequest {
  return {
    requestId: context.nextRequestId(),
    customerId: context.name(customer),
    items: items.map(([{ sku }, quantity]) => ({ sku, quantity: BigInt(quantity) })),
    paymentMethod: paymentMethod ?? 'pm_approve',
  };
}

/** Returns the expected total. All products must have the same currency. */
export function totalOf({ items }: Pick<NewOrder, 'items'>): Money {
  const amounts = items.map(([{ price }, quantity]) => multiply(price, BigInt(quantity)));
  return {
    currency: amounts[0]?.currency ?? '',
    minor: amounts.reduce((sum, { minor }) => sum + minor, 0n),
  };
}

export interface SendOptions {
  /** Client of the order service; the shared client by default. */
  readonly client?: OrderClient;
  /** Timeout of one call. */
  readonly timeoutMs?: number;
}

/** Calls CreateOrder once. The channel of the client may retry the call. */
export async function tryPlaceOrder(
  context: ScenarioContext,
  request: CreateOrderRequest,
  { client = context.clients.order, ...callOptions }: SendOptions = {},
): Promise<CallResult<Order>> {
  context.log.recordRequest(request);
  return tryCall(async (options) => {
    const { order } = await client.createOrder(request, { ...options, ...callOptions });
    return recordOrder(context, order);
  });
}

/** Returns a CancelOrder request with a new idempotency key. */
export function cancelRequest(context: ScenarioContext, { orderId, customerId }: Order): CancelOrderRequest {
  return { requestId: context.nextRequestId(), orderId, customerId, reason: 'ordered by mistake' };
}

/** Calls CancelOrder once. The channel of the client may retry the call. */
export async function tryCancelOrder(
  context: ScenarioContext,
  request: CancelOrderRequest,
  { client = context.clients.order, ...callOptions }: SendOptions = {},
): Promise<CallResult<Order>> {
  context.log.recordCancellation(request.orderId);
  return tryCall(async (options) => {
    const { order } = await client.cancelOrder(request, { ...options, ...callOptions });
    return recordOrder(context, order);
  });
}

/** @throws AppError when the cancellation fails */
export async function cancelOrder(context: ScenarioContext, order: Order): Promise<CallSuccess<Order>> {
  return assertSuccess(await tryCancelOrder(context, cancelRequest(context, order)));
}

/**
 * Records the order of a response in the run log and returns the order.
 * @throws Error when the response contains no order
 */
export function recordOrder(context: ScenarioContext, order: Order | undefined): Order {
  if (!order) throw new Error('the response contains no order');
  context.log.recordState(order);
  return order;
}
