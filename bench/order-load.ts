import { OrderServiceService, OrderState } from '../pkg/pb/order/v1/order.js';
import { createClient, type RpcClient } from '../pkg/rpc/index.js';
import { uuidv7 } from '../pkg/runtime/index.js';

type OrderClient = RpcClient<OrderServiceService>;

export interface LoadSize {
  /** Orders to place. */
  readonly orders: number;
  /** Orders under way at a time. */
  readonly concurrency: number;
}

const workersPerConnection = 16;

/** Places orders over connections that stay open from one load to the next. */
export class OrderLoad {
  readonly #clients: readonly OrderClient[];
  readonly #skus: readonly string[];

  constructor(target: string, skus: readonly string[], concurrency: number) {
    this.#skus = skus;
    const connections = Math.ceil(concurrency / workersPerConnection);
    this.#clients = Array.from({ length: connections }, () =>
      createClient(OrderServiceService, {
        name: 'order-service',
        target,
        timeoutMs: 30_000,
        retry: false,
        channelOptions: { 'grpc.use_local_subchannel_pool': 1 },
      }),
    );
  }

  /**
   * Places orders, `concurrency` at a time, and waits until the last is confirmed.
   * @returns how long that took, seconds
   * @throws Error when an order is not confirmed: what is measured must be the same work every time
   */
  async run({ orders, concurrency }: LoadSize): Promise<number> {
    let next = 0;
    const worker = async (number: number): Promise<void> => {
      const client = this.#clients[number % this.#clients.length] as OrderClient;
      while (next < orders) await this.#place(client, next++);
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: concurrency }, (_, number) => worker(number)));
    return (performance.now() - started) / 1000;
  }

  async #place(client: OrderClient, number: number): Promise<void> {
    const { order } = await client.createOrder({
      requestId: uuidv7(),
      customerId: `bench-${number % 100}`,
      items: [{ sku: this.#skus[number % this.#skus.length] as string, quantity: 1n }],
      paymentMethod: 'pm_approve',
    });
    if (order?.state !== OrderState.CONFIRMED)
      throw new Error(`order ${order?.orderId} is ${order?.state}, not confirmed`);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
