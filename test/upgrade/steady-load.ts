import {
  cancelRequest,
  orderRequest,
  stockProduct,
  tryCancelOrder,
  type Product,
} from '../../cmd/test-client/context/actions.js';
import { tryCall, type CallResult } from '../../cmd/test-client/context/calls.js';
import type { OrderClient } from '../../cmd/test-client/context/clients.js';
import { placeOrderWithRetry, retry, type Retries } from '../../cmd/test-client/context/retry.js';
import type { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import { money } from '../../pkg/money/index.js';
import { OrderState, type Order } from '../../pkg/pb/order/v1/order.js';
import { pause } from '../../pkg/runtime/index.js';

/** Totals since the start of the load. */
export interface LoadCounts {
  readonly orders: number;
  readonly calls: number;
  readonly retries: number;
  /** Descriptions of the calls whose last attempt failed. */
  readonly failures: readonly string[];
}

const workers = 8;
const orderIntervalMs = 400;
const stockUnits = 1_000_000;
/** A worker cancels every tenth order if the order is CONFIRMED. */
const cancelEvery = 10;
const paymentMethods = [
  'pm_approve',
  'pm_approve',
  'pm_answer_lost',
  'pm_slow',
  'pm_decline_insufficient_funds',
] as const;

/** Places and reads orders at a steady rate, cancels some orders, and retries calls with the same idempotency key. */
export class SteadyLoad {
  readonly #context: ScenarioContext;
  readonly #product: Product;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  #orders = 0;
  #calls = 0;
  #retries = 0;
  readonly #failures: string[] = [];

  private constructor(context: ScenarioContext, product: Product) {
    this.#context = context;
    this.#product = product;
    // The gRPC channels do not retry. The load retries the calls itself and counts the retries.
    const clients = context.connections(workers, { retry: false });
    this.#running = Promise.all(clients.map((client, number) => this.#work(client, number)));
    // Avoids an unhandled rejection. `close` rejects with the error.
    this.#running.catch(() => undefined);
  }

  static async start(context: ScenarioContext): Promise<SteadyLoad> {
    const product = { slug: 'upgrade', price: money('USD', 1500), units: stockUnits };
    return new SteadyLoad(context, await stockProduct(context, product));
  }

  get counts(): LoadCounts {
    return {
      orders: this.#orders,
      calls: this.#calls,
      retries: this.#retries,
      failures: [...this.#failures],
    };
  }

  /** Stops the load and waits for the calls in flight. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(client: OrderClient, number: number): Promise<void> {
    for (let index = 0; !this.#stop.signal.aborted; index += 1) {
      const paymentMethod = paymentMethods[index % paymentMethods.length] ?? 'pm_approve';
      await this.#order(client, `upgrade-${number}`, {
        paymentMethod,
        isCancelled: index % cancelEvery === 0,
      });
      await pause(orderIntervalMs, this.#stop.signal);
    }
  }

  async #order(
    client: OrderClient,
    customer: string,
    { paymentMethod, isCancelled }: { readonly paymentMethod: string; readonly isCancelled: boolean },
  ): Promise<void> {
    const context = this.#context;
    const request = orderRequest(context, { customer, items: [[this.#product, 1]], paymentMethod });
    const placed = this.#count('CreateOrder', await placeOrderWithRetry(context, request, { client }));
    if (!placed) return;
    this.#orders += 1;
    const { orderId, customerId } = placed;
    const getOrder = () => tryCall((options) => client.getOrder({ orderId, customerId }, options));
    this.#count('GetOrder', await retry(getOrder, context.signal));
    if (!isCancelled || placed.state !== OrderState.CONFIRMED) return;
    const cancellation = cancelRequest(context, placed);
    const cancelOrder = (): Promise<CallResult<Order>> => tryCancelOrder(context, cancellation, { client });
    this.#count('CancelOrder', await retry(cancelOrder, context.signal));
  }

  #count<T>(method: string, result: CallResult<T> & Retries): T | undefined {
    this.#calls += 1;
    this.#retries += result.retries.length;
    if (result.error) this.#failures.push(`${method}: ${result.error.reason} (${result.error.message})`);
    return result.value;
  }
}
