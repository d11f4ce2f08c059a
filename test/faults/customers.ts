import {
  deliveryRequest,
  orderRequest,
  recordOrder,
  stockProduct,
  type Product,
} from '../../cmd/test-client/context/actions.js';
import type { OrderClient } from '../../cmd/test-client/context/clients.js';
import type { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import { minorUnits } from '../../cmd/audit/checks/amounts.js';
import { money, toWire } from '../../pkg/money/index.js';
import { OrderState, type CreateOrderRequest, type Order } from '../../pkg/pb/order/v1/order.js';
import { backoffMs, pause } from '../../pkg/runtime/index.js';
import type { History, Purpose, Result } from './history.js';
import { actions, ample, orderKinds, products, type OrderKind, type Stock } from './kinds.js';
import { Random } from './random.js';

export interface CustomersOptions {
  readonly context: ScenarioContext;
  readonly history: History;
  readonly seed: number;
  /** One client for each worker. */
  readonly clients: readonly OrderClient[];
}

const callTimeoutMs = 8000;
const shortTimeoutMs = { low: 50, high: 400 };
/** A client repeats a request in doubt for this time, then gives up. */
const patienceMs = 30_000;
/** Share of the refunds that return the whole amount; the others return a random part. */
const wholeRefundRate = 0.2;
const backoff = { baseMs: 50, capMs: 1000 };
const restockPauseMs = 1500;

/** Workers that place orders of all kinds and cancel, repeat and refund them. Each call is recorded in the history. */
export class Customers {
  readonly #options: CustomersOptions;
  readonly #products: ReadonlyMap<Stock, readonly Product[]>;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  /** Kind and action of each order, by `requestId`. */
  readonly placed = new Map<string, { readonly kind: OrderKind; readonly action: string }>();

  private constructor(options: CustomersOptions, stocked: ReadonlyMap<Stock, readonly Product[]>) {
    this.#options = options;
    this.#products = stocked;
    this.#running = Promise.all([
      ...options.clients.map((client, number) => this.#work(client, number)),
      this.#restock(),
    ]);
    // Avoids an unhandled rejection. `close` rejects with the error.
    this.#running.catch(() => undefined);
  }

  static async start(options: CustomersOptions): Promise<Customers> {
    const stocked = new Map<Stock, readonly Product[]>();
    for (const [stock, { count, units }] of Object.entries(products) as [
      Stock,
      { count: number; units: number },
    ][]) {
      const names = Array.from({ length: count }, (_, index) => `${stock}-${index}`);
      const create = (slug: string) =>
        stockProduct(options.context, { slug, price: money('USD', 1250), units });
      stocked.set(stock, await Promise.all(names.map(create)));
    }
    return new Customers(options, stocked);
  }

  /** Ends the load and waits until every worker has an answer to its request or has given up. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #work(client: OrderClient, number: number): Promise<void> {
    const random = Random.of(this.#options.seed, `customer ${number}`);
    while (!this.#stop.signal.aborted) {
      await this.#order(client, random, number);
      await pause(random.between(0, 100), this.#stop.signal);
    }
  }

  async #order(client: OrderClient, random: Random, number: number): Promise<void> {
    const kind = random.pickWeighted(orderKinds);
    const action = kind.declinesRefunds ? 'cancel' : random.pickWeighted(actions).name;
    const call = new Call(this.#options, client, random, { kind: kind.name, action });
    const request = this.#request(kind, random, `customer-${number}`);
    if (action === 'invalid') {
      const items = [{ sku: 'unknown', quantity: 1n }];
      return void (await call.create({ ...request, items }));
    }
    this.placed.set(request.requestId, { kind, action });
    const repeated = action === 'repeat' ? call.create(request) : undefined;
    const created = await call.create(request, { isImpatient: action === 'cancel early' });
    await repeated;
    if (action === 'repeat') await call.create(request);
    if (action === 'reuse key')
      await call.create({ ...request, items: [...request.items.slice(1), { sku: 'unknown', quantity: 7n }] });
    if (created.outcome !== 'ok') return;
    const order = created.value;
    if (action.startsWith('refund') && order.state === OrderState.CONFIRMED) {
      const refunded = action === 'refund and cancel' ? call.refundPayment(order) : call.refundOrder(order);
      if (random.chance(0.5)) await refunded;
      // A refunded payment of a confirmed order would violate the invariants, so the client insists on the cancellation.
      if (action.includes('cancel')) await call.cancel(order, { deadline: Infinity });
      await refunded;
    } else if (action.includes('cancel')) await call.cancel(order);
  }

  #request(kind: OrderKind, random: Random, customer: string): CreateOrderRequest {
    const stocks = kind.stock ?? ample;
    const candidates = random.pick(stocks.map((stock) => this.#products.get(stock) ?? []));
    const first = random.pick(candidates);
    const second = random.chance(0.3) ? random.pick(candidates) : first;
    const quantity = stocks.includes('none') ? 2 : random.between(1, 2);
    const items = [...new Set([first, second])].map((product) => [product, quantity] as const);
    return orderRequest(this.#options.context, { customer, items, paymentMethod: kind.paymentMethod });
  }

  async #restock(): Promise<void> {
    const { context, history, seed } = this.#options;
    const random = Random.of(seed, 'restock');
    const scarce = this.#products.get('scarce') ?? [];
    while (await pause(restockPauseMs, this.#stop.signal)) {
      const { sku } = random.pick(scarce);
      const delta = 1n;
      const request = deliveryRequest({ requestId: context.nextRequestId(), sku, units: delta });
      const send = async () => {
        const { stock } = await context.clients.inventory.adjustStock(request, { timeoutMs: callTimeoutMs });
        return { onHand: stock?.onHand ?? -1n };
      };
      const call = { method: 'AdjustStock', key: request.requestId, request };
      // The sums of the invariants need every delivery, so a delivery is repeated until its result is definite.
      let result = await history.record(call, send);
      for (let attempt = 1; result.outcome === 'unknown'; attempt += 1) {
        await pause(backoffMs(attempt, backoff));
        result = await history.record(call, send);
      }
      if (result.outcome !== 'ok') continue;
      context.log.recordDelivery({
        requestId: request.requestId,
        sku,
        units: delta,
        onHand: result.value.onHand,
      });
    }
  }
}

/** The calls of one worker for one order. */
class Call {
  readonly #random: Random;
  readonly #purpose: Purpose;
  readonly #options: CustomersOptions;
  readonly #client: OrderClient;
  readonly #deadline = performance.now() + patienceMs;

  constructor(options: CustomersOptions, client: OrderClient, random: Random, purpose: Purpose) {
    this.#options = options;
    this.#client = client;
    this.#random = random;
    this.#purpose = purpose;
  }

  /** An impatient client has a short deadline, so that the order is probably still in progress afterwards. */
  create(request: CreateOrderRequest, { isImpatient = false } = {}): Promise<Result<Order>> {
    const { context } = this.#options;
    context.log.recordRequest(request);
    let timeoutMs = isImpatient
      ? this.#random.between(shortTimeoutMs.low, shortTimeoutMs.high)
      : callTimeoutMs;
    return this.#untilDefinite({ method: 'CreateOrder', key: request.requestId, request }, async () => {
      const attempt = { timeoutMs };
      timeoutMs = callTimeoutMs;
      const { order } = await this.#client.createOrder(request, attempt);
      return recordOrder(context, order);
    });
  }

  cancel({ orderId, customerId }: Order, { deadline = this.#deadline } = {}): Promise<Result<Order>> {
    const { context } = this.#options;
    const request = { requestId: context.nextRequestId(), orderId, customerId, reason: 'ordered by mistake' };
    context.log.recordCancellation(orderId);
    const send = async (): Promise<Order> => {
      const { order } = await this.#client.cancelOrder(request, { timeoutMs: callTimeoutMs });
      return recordOrder(context, order);
    };
    return this.#untilDefinite({ method: 'CancelOrder', key: request.requestId, request }, send, deadline);
  }

  /** An operator refunds money at the payment service. The order service is not called. */
  refundPayment({ paymentId, total }: Order): Promise<Result<unknown>> {
    const { context } = this.#options;
    const request = { requestId: context.nextRequestId(), paymentId, ...this.#refundOf(total) };
    return this.#untilDefinite({ method: 'RefundPayment', key: request.requestId, request }, () =>
      context.clients.payment.refundPayment(request, { timeoutMs: callTimeoutMs }),
    );
  }

  /** An operator refunds a part of the order, or the whole amount. */
  refundOrder({ orderId, total }: Order): Promise<Result<unknown>> {
    const { context } = this.#options;
    const request = { requestId: context.nextRequestId(), orderId, ...this.#refundOf(total) };
    return this.#untilDefinite({ method: 'RefundOrder', key: request.requestId, request }, async () => {
      const { order } = await this.#client.refundOrder(request, { timeoutMs: callTimeoutMs });
      return recordOrder(context, order);
    });
  }

  #refundOf(total: Order['total']) {
    const minor = Number(minorUnits(total));
    const part = this.#random.chance(wholeRefundRate) ? minor : this.#random.between(1, minor);
    return { amount: toWire(money('USD', part)), actor: 'operator', reason: 'goodwill' };
  }

  async #untilDefinite<T>(
    call: { readonly method: string; readonly key: string; readonly request: unknown },
    send: () => Promise<T>,
    deadline = this.#deadline,
  ): Promise<Result<T>> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.#options.history.record({ ...call, purpose: this.#purpose }, send);
      const isRetryable =
        result.outcome === 'unknown' || (result.outcome === 'failed' && retryable.has(result.reason));
      if (!isRetryable || performance.now() > deadline) return result;
      await pause(backoffMs(attempt, backoff, () => this.#random.next()));
    }
  }
}

/** Definite failures after which a client repeats the request. */
const retryable: ReadonlySet<string> = new Set(['CONFLICT', 'OVERLOADED', 'DEADLINE_TOO_SHORT']);
