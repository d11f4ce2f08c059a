import { place } from '../../cmd/test-client/persist.js';
import { orderRequest, stockProduct, type Product } from '../../cmd/test-client/shop.js';
import { money } from '../../pkg/money/index.js';
import type { Order } from '../../pkg/pb/order/v1/order.js';
import { running } from './verification.js';

export interface Placed {
  readonly order: Order;
  readonly traceId: string;
  /** Why the request had to be sent again. */
  readonly repeats: readonly string[];
}

let products = 0;

/** A new product at 450 of the smallest unit of a currency, with 100 units on the shelf. */
export function aProduct(currency = 'USD'): Promise<Product> {
  products += 1;
  const wanted = { slug: `thing-${products}`, price: money(currency, 450), units: 100 };
  return stockProduct(running('system').world, wanted);
}

export interface Purchase {
  /** Default: a new one. */
  readonly product?: Product;
  readonly currency?: string;
  readonly units?: number;
  /** Test token of the simulated gateway. */
  readonly paymentMethod?: string;
}

/** Places an order and waits for its end. */
export async function buy(purchase: Purchase = {}): Promise<Placed> {
  const { currency, units = 2, paymentMethod = 'pm_approve' } = purchase;
  const { world } = running('system');
  const product = purchase.product ?? (await aProduct(currency));
  const request = orderRequest(world, { customer: 'alice', items: [[product, units]], paymentMethod });
  const { value, traceId, repeats } = await place(world, request);
  return { order: value, traceId, repeats };
}
