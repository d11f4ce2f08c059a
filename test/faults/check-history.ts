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
      const refused = [...cancelled].filter((id) => (cancellations.get(id) ?? []).every(isFailed));
      return [
        ...failed.map(([key]) => `request ${key} failed and has an order`),
        ...refused.map((id) => `every cancellation of order ${id} failed, and it is cancelled`),
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
    title: 'A blocked order is CANCELLED after an acknowledged resolution, and not without a resolution',
    check: ({ calls, orders }) => {
      const blocked = new Set(
        answersOf(calls).flatMap(({ orderId, blockedReason }) => (blockedReason === '' ? [] : [orderId])),
      );
      const resolutions = groupBy(
        callsOf<ResolveOrderRequest, Order>(calls, 'ResolveOrder'),
        ({ request }) => request.orderId,
      );
      return orders.flatMap(({ orderId, state }) => {
        const attempts = resolutions.get(orderId) ?? [];
        const isWrong =
          state === OrderState.CANCELLED
            ? (blocked.has(orderId) || attempts.length > 0) && attempts.every(isFailed)
            : attempts.some(({ result }) => result.outcome === 'ok');
        return isWrong ? [`order ${orderId}: ${attempts.length} resolutions, ${OrderState[state]}`] : [];
      });
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
        return isRight ? [] : [`order ${order.orderId}: refunded ${shown} minor units`];
      });
    },
  },
  {
    title: 'A state in an answer leads to the final state',
    check: ({ calls, orders }) => {
      const byId = new Map(orders.map((order) => [order.orderId, order]));
      return answersOf(calls).flatMap((seen) => {
        const order = byId.get(seen.orderId);
        const isLost = order && (seen.revision > order.revision || !isReachable(seen.state, order.state));
        return isLost
          ? [`order ${seen.orderId} was ${OrderState[seen.state]} and is ${OrderState[order.state]}`]
          : [];
      });
    },
  },
  {
    title:
      'Every order that is not cancelled has an outcome of its kind, and only declined refunds block orders',
    check: ({ orders, placed }) =>
      orders.flatMap((order) => {
        const { kind } = placed.get(order.requestId) ?? {};
        const [outcome, block] = [outcomeOf(order), order.blockedReason];
        const isPossible = (kind?.outcomes ?? ['CONFIRMED']).includes(outcome) || isCancelled(order);
        return kind && isPossible && (block === '' || kind.declinesRefunds)
          ? []
          : [`order ${order.orderId} (${kind?.name ?? 'invalid'}): ${outcome} ${block}`];
      }),
  },
];

/** The orders in the answers of all calls. */
function answersOf(calls: readonly Call[]): Order[] {
  return ['CreateOrder', 'CancelOrder', 'RefundOrder', 'RetryOrder', 'ResolveOrder']
    .flatMap((method) => callsOf<unknown, Order>(calls, method))
    .flatMap(({ result }) => (result.outcome === 'ok' ? [result.value] : []));
}

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
