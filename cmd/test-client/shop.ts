import { multiply, toWire, type Money } from '../../pkg/money/index.js';
import type { CreateOrderRequest, Order } from '../../pkg/pb/order/v1/order.js';
import { ask, attempt, type Answer, type Refusal } from './answer.js';
import type { OrderClient } from './clients.js';
import type { World } from './world.js';

/** What users do with orders and products, each noted in the book of the run. */

export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
  /** Units it was stocked with. */
  readonly units: bigint;
}

export interface NewProduct {
  /** Last part of the SKU. */
  readonly slug: string;
  readonly price: Money;
  readonly units: number;
}

/** Creates a product of this run and stocks it. */
export async function stockProduct(world: World, { slug, price, units }: NewProduct): Promise<Product> {
  const product = { sku: world.name(slug), name: slug.replaceAll('-', ' '), price, units: BigInt(units) };
  const { sku, name } = product;
  await world.clients.catalog.createProduct({
    requestId: world.nextRequestId(),
    product: { sku, name, description: 'Made by test-client', price: toWire(price), revision: 0n },
  });
  await adjustStock(world, sku, units);
  return product;
}

/** Delivers more units of a SKU. */
export async function adjustStock(world: World, sku: string, units: number): Promise<void> {
  const request = stockingRequest({ requestId: world.nextRequestId(), sku, units: BigInt(units) });
  const { stock } = await world.clients.inventory.adjustStock(request);
  world.book.stocked({
    requestId: request.requestId,
    sku,
    units: request.delta,
    onHand: stock?.onHand ?? -1n,
  });
}

export function stockingRequest(of: { requestId: string; sku: string; units: bigint }) {
  return { requestId: of.requestId, sku: of.sku, delta: of.units, reason: 'test-client' };
}

export interface Wish {
  /** Last part of the customer's id. */
  readonly customer: string;
  readonly items: readonly (readonly [Product, number])[];
  /** Test token of the simulated gateway; default: one that is approved. */
  readonly paymentMethod?: string;
}

/** A request to order, with a key of its own. */
export function orderRequest(world: World, { customer, items, paymentMethod }: Wish): CreateOrderRequest {
  return {
    requestId: world.nextRequestId(),
    customerId: world.name(customer),
    items: items.map(([{ sku }, quantity]) => ({ sku, quantity: BigInt(quantity) })),
    paymentMethod: paymentMethod ?? 'pm_approve',
  };
}

/** What a wish costs. All its products must have one currency. */
export function costOf({ items }: Pick<Wish, 'items'>): Money {
  const costs = items.map(([{ price }, quantity]) => multiply(price, BigInt(quantity)));
  return {
    currency: costs[0]?.currency ?? '',
    minor: costs.reduce((sum, { minor }) => sum + minor, 0n),
  };
}

export interface PlaceOptions {
  /** Default: the one that all scenarios share. */
  readonly client?: OrderClient;
  /** Longest wait for the answer, milliseconds. */
  readonly timeoutMs?: number;
}

/** Sends an order once; a refusal is a result too. */
export async function tryPlace(
  world: World,
  request: CreateOrderRequest,
  { client = world.clients.order, ...callOptions }: PlaceOptions = {},
): Promise<Answer<Order> | Refusal> {
  world.book.sent(request);
  const answer = await attempt((options) => client.createOrder(request, { ...options, ...callOptions }));
  return answer.error ? answer : { ...answer, value: see(world, answer.value.order) };
}

/** Asks to cancel an order. */
export async function cancel(world: World, { orderId, customerId }: Order): Promise<Answer<Order>> {
  const request = { requestId: world.nextRequestId(), orderId, customerId, reason: 'changed my mind' };
  world.book.cancelling(orderId);
  const answer = await ask((options) => world.clients.order.cancelOrder(request, options));
  return { ...answer, value: see(world, answer.value.order) };
}

/** Notes an order that a service showed. */
export function see(world: World, order: Order | undefined): Order {
  if (!order) throw new Error('the answer holds no order');
  world.book.saw(order);
  return order;
}
