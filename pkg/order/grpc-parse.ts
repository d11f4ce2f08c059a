import { textRules, Validation } from '../errors/index.js';
import { positiveFromWire, type Money } from '../money/index.js';
import {
  OrderState as WireState,
  type BatchGetOrdersRequest,
  type CancelOrderRequest,
  type CreateOrderRequest,
  type GetOrderRequest,
  type GetOrderTimelineRequest,
  type ListOrdersRequest,
  type OrderItem,
  type RefundOrderRequest,
  type ResolveOrderRequest,
  type RetryOrderRequest,
  type WatchOrderRequest,
} from '../pb/order/v1/order.js';
import { decodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import {
  limits,
  orderStates,
  type Cancellation,
  type OperatorAction,
  type OrderRequest,
  type RefundOrder,
} from './domain.js';
import type { OrderFilter, PageRequest } from './listing-store.js';

const customerRule = {
  max: 64,
  pattern: /^[A-Za-z0-9._:@-]+$/,
  hint: "may contain only A-Z, a-z, 0-9, '.', '_', ':', '@' and '-'",
};
const reasonRule = { ...textRules.actorReason, optional: true };
/** Texts of the timeline, in addition to the rules of the services that receive them from the order service. */
const actorRule = {
  ...textRules.actor,
  pattern: /^\P{Cc}{1,128}$/u,
  hint: 'must be 1 to 128 characters without control characters',
};
const operatorReasonRule = {
  ...textRules.actorReason,
  pattern: /^\P{Cc}{1,200}$/u,
  hint: 'must be 1 to 200 characters without control characters',
};
const anyCustomerRule = { ...customerRule, optional: true };

export function parseCreateOrder(request: CreateOrderRequest): OrderRequest {
  const check = new Validation();
  const { requestId, customerId, paymentMethod } = request;
  check.text('request_id', requestId, textRules.requestId);
  check.text('customer_id', customerId, customerRule);
  check.text('payment_method', paymentMethod, textRules.paymentMethod);
  const items = parseItems(check, request.items);
  const expectedTotal = request.expectedTotal && positiveFromWire(request.expectedTotal);
  if (typeof expectedTotal === 'string') check.fail('expected_total', expectedTotal);
  check.throwIfAny();
  return { requestId, customerId, paymentMethod, items, expectedTotal: expectedTotal as Money | undefined };
}

/** Sums the quantities of equal SKUs and sorts the items, so that equal requests have equal fingerprints. */
function parseItems(check: Validation, items: readonly OrderItem[]): OrderRequest['items'] {
  check.require(items.length > 0, 'items', 'must not be empty');
  check.require(items.length <= limits.items, 'items', `must have at most ${limits.items} items`);
  const quantities = new Map<string, bigint>();
  for (const [index, { sku, quantity }] of items.slice(0, limits.items).entries()) {
    check.text(`items[${index}].sku`, sku, textRules.sku);
    check.require(quantity >= 1n, `items[${index}].quantity`, 'must be at least 1');
    const sum = (quantities.get(sku) ?? 0n) + quantity;
    check.require(
      sum <= limits.quantity,
      `items[${index}].quantity`,
      `must not raise the total of this SKU above ${limits.quantity}`,
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

export interface OrderRefs {
  readonly ids: readonly string[];
  readonly customerId: string;
}

export function parseBatchGetOrders({ orderIds: ids, customerId }: BatchGetOrdersRequest): OrderRefs {
  const check = new Validation();
  check.require(ids.length > 0, 'order_ids', 'must not be empty');
  check.require(ids.length <= limits.batchOrders, 'order_ids', `must have at most ${limits.batchOrders} ids`);
  for (const [index, id] of ids.slice(0, limits.batchOrders).entries())
    check.text(`order_ids[${index}]`, id, textRules.uuid);
  check.text('customer_id', customerId, anyCustomerRule);
  check.throwIfAny();
  return { ids, customerId };
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
  check.text('reason', request.reason, reasonRule);
  check.text('actor', request.actor ?? '', { ...actorRule, optional: true });
  check.throwIfAny();
  const { requestId, orderId, customerId, reason, actor = '' } = request;
  return { requestId, orderId, customerId, reason, actor: actor || undefined };
}

export function parseRefundOrder(request: RefundOrderRequest): RefundOrder {
  const check = new Validation();
  check.text('request_id', request.requestId, { ...textRules.requestId, optional: false });
  const action = readAction(check, request);
  const amount = positiveFromWire(request.amount);
  if (typeof amount === 'string') check.fail('amount', amount);
  check.throwIfAny();
  return { ...action, requestId: request.requestId, amount: amount as Money };
}

export function parseOperatorAction(request: RetryOrderRequest | ResolveOrderRequest): OperatorAction {
  const check = new Validation();
  const action = readAction(check, request);
  check.throwIfAny();
  return action;
}

function readAction(check: Validation, { orderId, actor, reason }: OperatorAction): OperatorAction {
  check.text('order_id', orderId, textRules.uuid);
  check.text('actor', actor, actorRule);
  check.text('reason', reason, operatorReasonRule);
  return { orderId, actor, reason };
}

export interface OrderListing {
  readonly filter: OrderFilter;
  readonly page: PageRequest;
}

export function parseListOrders(request: ListOrdersRequest): OrderListing {
  const { customerId, state, pageSize, pageToken } = request;
  const check = new Validation();
  check.text('customer_id', customerId, anyCustomerRule);
  const isPageSize = pageSize >= 0 && pageSize <= pageSizes.maximum;
  check.require(isPageSize, 'page_size', `must be from 0 to ${pageSizes.maximum}`);
  const requested =
    state === WireState.UNSPECIFIED ? undefined : orderStates.find((known) => WireState[known] === state);
  check.require(requested !== undefined || state === WireState.UNSPECIFIED, 'state', 'is not a known state');
  check.throwIfAny();
  const filter: OrderFilter = {
    customerId,
    state: requested,
    createdFrom: request.createTimeFrom,
    createdBefore: request.createTimeBefore,
    blockedOnly: request.blockedOnly === true,
  };
  const [after] = decodePageToken(pageToken, 1, pageFilter(filter)) ?? [];
  if (after !== undefined && !textRules.uuid.pattern.test(after)) throw invalidToken();
  return { filter, page: { after, size: pageSizeOf(pageSize) } };
}

/** The request fields that must be equal on all pages of a listing. */
export function pageFilter(filter: OrderFilter): string[] {
  const { customerId, state, createdFrom, createdBefore, blockedOnly } = filter;
  const timeOf = (time: Date | undefined): string => time?.toISOString() ?? '';
  const fields = ['ListOrders', customerId, state ?? ''];
  const isExtended = createdFrom !== undefined || createdBefore !== undefined || blockedOnly;
  // Without the newer fields, page tokens of an older version stay valid during a rollout.
  return isExtended ? [...fields, timeOf(createdFrom), timeOf(createdBefore), String(blockedOnly)] : fields;
}
