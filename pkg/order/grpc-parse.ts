import { textRules, Validation } from '../errors/index.js';
import {
  OrderState as WireState,
  type CancelOrderRequest,
  type CreateOrderRequest,
  type GetOrderRequest,
  type GetOrderTimelineRequest,
  type ListOrdersRequest,
  type OrderItem,
  type WatchOrderRequest,
} from '../pb/order/v1/order.js';
import { decodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import type { Cancellation } from './cancel-order.js';
import { limits, orderStates, type OrderRequest, type OrderState } from './domain.js';
import type { OrderFilter } from './store.js';

const customerRule = {
  max: 64,
  pattern: /^[A-Za-z0-9._:@-]+$/,
  hint: "must be of A-Z, a-z, 0-9, '.', '_', ':', '@' and '-'",
};
const anyCustomerRule = { ...customerRule, optional: true };

export function parseCreateOrder(request: CreateOrderRequest): OrderRequest {
  const check = new Validation();
  const { requestId, customerId, paymentMethod } = request;
  check.text('request_id', requestId, textRules.requestId);
  check.text('customer_id', customerId, customerRule);
  check.text('payment_method', paymentMethod, textRules.paymentMethod);
  const items = parseItems(check, request.items);
  check.throwIfAny();
  return { requestId, customerId, paymentMethod, items };
}

/** Sums equal SKUs and sorts, so that equal orders are equal whatever the order of their lines. */
function parseItems(check: Validation, items: readonly OrderItem[]): OrderRequest['items'] {
  check.require(items.length > 0, 'items', 'must not be empty');
  check.require(items.length <= limits.items, 'items', `must be at most ${limits.items}`);
  const quantities = new Map<string, bigint>();
  for (const [index, { sku, quantity }] of items.slice(0, limits.items).entries()) {
    check.text(`items[${index}].sku`, sku, textRules.sku);
    check.require(quantity >= 1n, `items[${index}].quantity`, 'must be at least 1');
    const sum = (quantities.get(sku) ?? 0n) + quantity;
    check.require(
      sum <= limits.quantity,
      `items[${index}].quantity`,
      `must be at most ${limits.quantity} of one SKU`,
    );
    quantities.set(sku, sum);
  }
  return [...quantities]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .toSorted((a, b) => (a.sku < b.sku ? -1 : 1));
}

export interface OrderRef {
  readonly id: string;
  readonly customerId: string;
}

export function parseOrderRef(request: GetOrderRequest | GetOrderTimelineRequest): OrderRef {
  const check = new Validation();
  checkRef(check, request);
  check.throwIfAny();
  return { id: request.orderId, customerId: request.customerId };
}

function checkRef(check: Validation, { orderId, customerId }: { orderId: string; customerId: string }): void {
  check.text('order_id', orderId, textRules.uuid);
  check.text('customer_id', customerId, anyCustomerRule);
}

export function parseWatchOrder(request: WatchOrderRequest): OrderRef & { readonly after: number } {
  const check = new Validation();
  checkRef(check, request);
  check.require(request.afterRevision >= 0, 'after_revision', 'must not be negative');
  check.throwIfAny();
  return { id: request.orderId, customerId: request.customerId, after: request.afterRevision };
}

export function parseCancelOrder(request: CancelOrderRequest): Cancellation {
  const check = new Validation();
  checkRef(check, request);
  check.text('request_id', request.requestId, textRules.requestId);
  check.text('reason', request.reason, { max: 200, optional: true });
  check.throwIfAny();
  const { requestId, orderId, customerId, reason } = request;
  return { requestId, orderId, customerId, reason };
}

export interface OrderListing {
  readonly filter: OrderFilter;
  readonly page: { readonly after: string | undefined; readonly size: number };
}

export function parseListOrders({ customerId, state, pageSize, pageToken }: ListOrdersRequest): OrderListing {
  const check = new Validation();
  check.text('customer_id', customerId, anyCustomerRule);
  const isPageSize = pageSize >= 0 && pageSize <= pageSizes.maximum;
  check.require(isPageSize, 'page_size', `must be from 0 to ${pageSizes.maximum}`);
  const wanted =
    state === WireState.UNSPECIFIED ? undefined : orderStates.find((known) => WireState[known] === state);
  check.require(wanted !== undefined || state === WireState.UNSPECIFIED, 'state', 'is not a known state');
  check.throwIfAny();
  const filter = { customerId, state: wanted };
  const [after] = decodePageToken(pageToken, 1, pageFilter(filter)) ?? [];
  if (after !== undefined && !textRules.uuid.pattern.test(after)) throw invalidToken();
  return { filter, page: { after, size: pageSizeOf(pageSize) } };
}

/** What a page token of this listing is bound to. */
export function pageFilter({
  customerId,
  state,
}: {
  customerId: string;
  state: OrderState | undefined;
}): string[] {
  return ['ListOrders', customerId, state ?? ''];
}
