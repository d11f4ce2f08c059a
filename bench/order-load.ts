import { OrderServiceService, OrderState } from '../pkg/pb/order/v1/order.js';
import { createClient, type RpcClient } from '../pkg/rpc/index.js';
import { uuidv7 } from '../pkg/runtime/index.js';

type OrderClient = RpcClient<OrderServiceService>;

export interface LoadSize {
  readonly orders: number;
  readonly concurrency: number;
}

const workersPerConnection = 16;

/** Generates load: places orders over connections that stay open between runs. */
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
   * Places orders, `concurrency` at a time, and waits until all orders are confirmed.
   * @returns the duration in seconds
   * @throws Error if an order is not confirmed, since each run must do the same work
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
      throw new Error(`order ${order?.orderId} is in state ${order?.state} instead of CONFIRMED`);
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}
