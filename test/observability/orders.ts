import { placeOrder } from '../../cmd/test-client/context/retry.js';
import { orderRequest, stockProduct, type Product } from '../../cmd/test-client/context/actions.js';
import { money } from '../../pkg/money/index.js';
import type { Order } from '../../pkg/pb/order/v1/order.js';
import { running } from './running.js';

export interface Placed {
  readonly order: Order;
  readonly traceId: string;
  /** Reason of each failed attempt that was retried. */
  readonly retries: readonly string[];
}

let products = 0;

/** A new product that costs 450 minor units, with 100 units in stock. */
export function aProduct(currency = 'USD'): Promise<Product> {
  products += 1;
  const wanted = { slug: `thing-${products}`, price: money(currency, 450), units: 100 };
  return stockProduct(running('system').context, wanted);
}

export interface Purchase {
  /** Default: a new product. */
  readonly product?: Product;
  readonly currency?: string;
  readonly units?: number;
  /** Test token of the simulated gateway. */
  readonly paymentMethod?: string;
}

/** Places an order and waits until it is finished. */
export async function buy(purchase: Purchase = {}): Promise<Placed> {
  const { currency, units = 2, paymentMethod = 'pm_approve' } = purchase;
  const { context } = running('system');
  const product = purchase.product ?? (await aProduct(currency));
  const request = orderRequest(context, { customer: 'alice', items: [[product, units]], paymentMethod });
  const { value, traceId, retries } = await placeOrder(context, request);
  return { order: value, traceId, retries };
}
