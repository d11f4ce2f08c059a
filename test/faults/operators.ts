import type { ScenarioContext } from '../../cmd/test-client/context/scenario-context.js';
import { recordOrder } from '../../cmd/test-client/context/actions.js';
import { OrderState, type Order } from '../../pkg/pb/order/v1/order.js';
import { backoffMs, pause } from '../../pkg/runtime/index.js';
import type { History, Result } from './history.js';
import { operatorActions, type OrderKind } from './kinds.js';
import { Random } from './random.js';

export interface OperatorsOptions {
  readonly context: ScenarioContext;
  readonly history: History;
  readonly seed: number;
  /** The kind of each order, by `requestId`. */
  readonly placed: ReadonlyMap<string, { readonly kind: OrderKind }>;
}

const [retryPending, retryBlocked, resolveBlocked] = operatorActions;

interface Request {
  readonly kind: string;
  readonly request: { readonly orderId: string; readonly actor: string; readonly reason: string };
}

const intervalMs = { low: 200, high: 1000 };
const callTimeoutMs = 8000;
const maxAttempts = 20;
const backoff = { baseMs: 50, capMs: 1000 };
/** Share of the blocked orders that are resolved; the others are retried and blocked again. */
const resolutionRate = 0.4;

/** Retries orders in progress and blocked orders, and resolves some of the blocked orders, until it is closed. */
export class Operators {
  readonly #options: OperatorsOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: OperatorsOptions) {
    this.#options = options;
    this.#running = this.#run(Random.of(options.seed, 'operators'));
    // Avoids an unhandled rejection. `close` rejects with the error.
    this.#running.catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(random: Random): Promise<void> {
    for (
      let action = 1;
      await pause(random.between(intervalMs.low, intervalMs.high), this.#stop.signal);
      action += 1
    ) {
      const blockedOnly = random.chance(0.5);
      const orders = await this.#list(blockedOnly);
      if (orders.length === 0) continue;
      const blockedAction = random.chance(resolutionRate) ? resolveBlocked : retryBlocked;
      const { orderId, requestId } = random.pick(orders);
      const kind = this.#options.placed.get(requestId)?.kind;
      // Any other blocked order is left as it is, because only a declined refund may block an order.
      if (blockedOnly && !kind?.declinesRefunds) continue;
      await this.#act(blockedOnly ? blockedAction : retryPending, {
        kind: kind?.name ?? '',
        request: { orderId, actor: 'operator', reason: `action ${action}` },
      });
    }
  }

  /** Returns blocked orders or PENDING orders; none while the order service does not answer. */
  async #list(blockedOnly: boolean): Promise<readonly Order[]> {
    const state = blockedOnly ? OrderState.UNSPECIFIED : OrderState.PENDING;
    const request = { pageSize: 50, pageToken: '', customerId: '', state, blockedOnly };
    const { order } = this.#options.context.clients;
    const page = await order.listOrders(request, { timeoutMs: callTimeoutMs }).catch(() => undefined);
    return page?.orders ?? [];
  }

  async #act({ name, method }: (typeof operatorActions)[number], { kind, request }: Request): Promise<void> {
    const { context, history } = this.#options;
    const client = context.clients.order;
    const send = async (): Promise<Order> => {
      const options = { timeoutMs: callTimeoutMs };
      const call = method === 'ResolveOrder' ? client.resolveOrder : client.retryOrder;
      return recordOrder(context, (await call(request, options)).order);
    };
    const call = { method, key: request.reason, request, purpose: { kind, action: name } };
    let result: Result<Order> = await history.record(call, send);
    for (let attempt = 1; result.outcome === 'unknown' && attempt < maxAttempts; attempt += 1) {
      await pause(backoffMs(attempt, backoff));
      result = await history.record(call, send);
    }
  }
}
