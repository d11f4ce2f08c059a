import { orderRequest, stockProduct } from '../../cmd/test-client/context/actions.js';
import { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import type { Addresses } from '../../cmd/dev/start-dev.js';
import { copyOrders } from '../../bench/stored-orders.js';
import { money } from '../../pkg/money/index.js';

const placed = 200;

export interface StoreOptions {
  /** Number of orders; a multiple of 200. */
  readonly stored: number;
  readonly url: (database: string) => string;
  readonly signal: AbortSignal;
}

/** Places 200 orders, and copies their rows until `stored` orders are stored. No other orders may be in progress. */
export async function storeOrders(
  addresses: Addresses,
  { stored, url, signal }: StoreOptions,
): Promise<void> {
  const context = new ScenarioContext({ addresses, dev: undefined }, signal);
  try {
    const product = await stockProduct(context, { slug: 'stored', price: money('USD', 400), units: placed });
    const requests = Array.from({ length: placed }, (_, number) =>
      orderRequest(context, { customer: `stored-${number}`, items: [[product, 1]] }),
    );
    await Promise.all(requests.map((request) => context.clients.order.createOrder(request)));
    await copyOrders(url, Math.ceil(stored / placed) - 1);
  } finally {
    await context.close();
  }
}
