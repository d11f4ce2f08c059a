import { isReachable } from '../../cmd/audit/checks/order-states.js';
import { minorUnits } from '../../cmd/audit/checks/amounts.js';
import { outcomeOf } from '../../cmd/test-client/output/format.js';
import {
  OrderState,
  type CancelOrderRequest,
  type CreateOrderRequest,
  type RefundOrderRequest,
  type ResolveOrderRequest,
  type Order,
} from '../../pkg/pb/order/v1/order.js';
import { callsOf, groupBy, type Call } from './history.js';
import type { OrderKind } from './kinds.js';

export interface HistoryFacts {
  /** The calls of all clients. */
  readonly calls: readonly Call[];
  /** The final orders of all customers. */
  readonly orders: readonly Order[];
  /** The kind of each order, by `requestId`. */
  readonly placed: ReadonlyMap<string, { readonly kind: OrderKind }>;
}

export interface HistoryCheck {
  readonly title: string;
  readonly check: (facts: HistoryFacts) => string[];
}

/** What the answers in the history promise about the final orders. Each check returns its violations. */
export const historyChecks: readonly HistoryCheck[] = [
  {
    title: 'Every acknowledged order exists and has the content of its request',
    check: ({ calls, orders }) => {
      const byId = new Map(orders.map((order) => [order.orderId, order]));
      return creationsOf(calls).flatMap(({ key, request, result }) => {
        if (result.outcome !== 'ok') return [];
        const order = byId.get(result.value.orderId);
        if (!order) return [`request ${key}: order ${result.value.orderId} has disappeared`];
        return order.requestId === key &&
          contentOf(order) === itemsOf(request) &&
          contentOf(result.value) === itemsOf(request)
          ? []
          : [`request ${key}: order ${order.orderId} has another content`];
      });
    },
  },
  {
    title: 'Equal requests have equal answers',
    check: ({ calls }) =>
      [...creationsByKey(calls)].flatMap(([key, attempts]) => {
        const ids = new Set(
          attempts.flatMap(({ result }) => (result.outcome === 'ok' ? [result.value.orderId] : [])),
        );
        return ids.size > 1 ? [`request ${key}: orders ${[...ids].join(', ')}`] : [];
      }),
  },
  {
    title: 'A definite failure has no later effect',
    check: ({ calls, orders }) => {
      const created = new Set(orders.map(({ requestId }) => requestId));
      const failed = [...creationsByKey(calls)].filter(
        ([key, attempts]) => created.has(key) && attempts.every(isFailed),
      );
      const cancelled = new Set(orders.filter(isCancelled).map(({ orderId }) => orderId));
      const cancellations = groupBy(cancellationsOf(calls), ({ request }) => request.orderId);
      const refused = [...cancellations].filter(
        ([id, attempts]) => cancelled.has(id) && attempts.every(isFailed),
      );
      return [
        ...failed.map(([key]) => `request ${key} failed and has an order`),
        ...refused.map(([id]) => `every cancellation of order ${id} failed, and it is cancelled`),
      ];
    },
  },
  {
    title: 'Every acknowledged cancellation leads to CANCELLED, or is blocked by a declined refund',
    check: ({ calls, orders, placed }) => {
      const byId = new Map(orders.map((order) => [order.orderId, order]));
      return cancellationsOf(calls).flatMap(({ request: { orderId }, result }) => {
        const order = byId.get(orderId);
        const isBlocked =
          order?.blockedReason !== '' && placed.get(order?.requestId ?? '')?.kind.declinesRefunds;
        return result.outcome !== 'ok' || order?.state === OrderState.CANCELLED || isBlocked
          ? []
          : [`order ${orderId} is ${OrderState[order?.state ?? 0]}`];
      });
    },
  },
  {
    title: 'Every acknowledged resolution leads to CANCELLED',
    check: ({ calls, orders }) => {
      const byId = new Map(orders.map((order) => [order.orderId, order]));
      return callsOf<ResolveOrderRequest, Order>(calls, 'ResolveOrder').flatMap(
        ({ request: { orderId }, result }) => {
          const { state = OrderState.UNSPECIFIED } = byId.get(orderId) ?? {};
          const isWrong = result.outcome === 'ok' && state !== OrderState.CANCELLED;
          return isWrong ? [`order ${orderId} is ${OrderState[state]}`] : [];
        },
      );
    },
  },
  {
    title: 'Every acknowledged refund of an order is shown on the order once',
    check: ({ calls, orders }) => {
      const refunds = groupBy(
        callsOf<RefundOrderRequest, Order>(calls, 'RefundOrder'),
        ({ request }) => request.orderId,
      );
      return orders.flatMap((order) => {
        const attempts = refunds.get(order.orderId) ?? [];
        const amountOf = (outcomes: readonly string[]): bigint =>
          [...groupBy(attempts, ({ key }) => key).values()]
            .flatMap((each) => each.find(({ result }) => outcomes.includes(result.outcome)) ?? [])
            .reduce((sum, { request }) => sum + minorUnits(request.amount), 0n);
        const shown = minorUnits(order.refundedAmount);
        const isRight = shown >= amountOf(['ok']) && shown <= amountOf(['ok', 'unknown']);
        return isRight || isCancelled(order) ? [] : [`order ${order.orderId}: refunded ${shown} minor units`];
      });
    },
  },
  {
    title: 'A state in an answer leads to the final state',
    check: ({ calls, orders }) => {
      const byId = new Map(orders.map((order) => [order.orderId, order]));
      return [...creationsOf(calls), ...cancellationsOf(calls)].flatMap(({ result }) => {
        const seen = result.outcome === 'ok' ? result.value : undefined;
        const order = byId.get(seen?.orderId ?? '');
        const isLost =
          seen && order && (seen.revision > order.revision || !isReachable(seen.state, order.state));
        return isLost
          ? [`order ${seen.orderId} was ${OrderState[seen.state]} and is ${OrderState[order.state]}`]
          : [];
      });
    },
  },
  {
    title: 'Every order that is not cancelled has an outcome of its kind',
    check: ({ orders, placed }) =>
      orders.flatMap((order) => {
        const { name = 'invalid', outcomes = ['CONFIRMED'] } = placed.get(order.requestId)?.kind ?? {};
        const outcome = outcomeOf(order);
        return outcomes.includes(outcome) || isCancelled(order)
          ? []
          : [`order ${order.orderId} (${name}): ${outcome}`];
      }),
  },
];

function creationsOf(calls: readonly Call[]): Call<CreateOrderRequest, Order>[] {
  return callsOf(calls, 'CreateOrder');
}

function creationsByKey(calls: readonly Call[]): Map<string, Call<CreateOrderRequest, Order>[]> {
  return groupBy(creationsOf(calls), ({ key }) => key);
}

function cancellationsOf(calls: readonly Call[]): Call<CancelOrderRequest, Order>[] {
  return callsOf(calls, 'CancelOrder');
}

function isFailed({ result }: Call): boolean {
  return result.outcome === 'failed';
}

function isCancelled({ state }: Order): boolean {
  return state === OrderState.CANCELLED || state === OrderState.CANCELLING;
}

function contentOf({ customerId, lines }: Order): string {
  return `${customerId}: ${lines
    .map(({ sku, quantity }) => `${quantity} ${sku}`)
    .toSorted()
    .join()}`;
}

function itemsOf({ customerId, items }: CreateOrderRequest): string {
  return `${customerId}: ${items
    .map(({ sku, quantity }) => `${quantity} ${sku}`)
    .toSorted()
    .join()}`;
}
