import { AppError, Validation } from '../errors/index.js';
import { currentTraceparent } from '../observability/index.js';
import { add, format, isEqual, maxMinor, money, multiply } from '../money/index.js';
import { timeOfUuidv7, type IdSource } from '../runtime/index.js';
import type { OrderLine, OrderRequest, SagaOrder } from './domain.js';
import type { PricedProduct } from './ports.js';
import { firstStep } from './saga/plan.js';

/**
 * Creates an order with the catalog prices and with new ids for its reservation, payment and refund.
 * @throws AppError PRODUCT_NOT_FOUND, CURRENCY_MISMATCH when the prices differ in currency, VALIDATION_FAILED when
 *   the total is too large
 */
export function placeOrder(
  request: OrderRequest,
  products: readonly PricedProduct[],
  newId: IdSource,
): SagaOrder {
  const lines = priceLines(request, products);
  const total = totalOf(lines);
  const id = newId();
  // The creation time is the time in the id, so that sorting by id also sorts by creation time.
  const now = timeOfUuidv7(id);
  return {
    id,
    customerId: request.customerId,
    requestId: request.requestId === '' ? newId() : request.requestId,
    state: 'PENDING',
    lines,
    total,
    rejection: undefined,
    revision: 1,
    reservationId: newId(),
    paymentId: newId(),
    createdAt: now,
    updatedAt: now,
    paymentMethod: request.paymentMethod,
    refundId: newId(),
    traceparent: currentTraceparent(),
    step: firstStep,
    failures: 0,
    refunded: money(total.currency, 0n),
    refundPending: money(total.currency, 0n),
    paymentAction: undefined,
    waitingSince: undefined,
    block: undefined,
    nextAttemptAt: undefined,
    resolution: undefined,
  };
}

/** Whether an order has the total that the customer accepts. */
export function hasExpectedTotal({ total }: SagaOrder, { expectedTotal }: OrderRequest): boolean {
  return expectedTotal === undefined || isEqual(total, expectedTotal);
}

/** @throws AppError PRICE_CHANGED when the total is not the total that the customer accepts */
export function checkExpectedTotal(order: SagaOrder, request: OrderRequest): void {
  const { expectedTotal } = request;
  if (expectedTotal === undefined || hasExpectedTotal(order, request)) return;
  const [expected, current] = [format(expectedTotal), format(order.total)];
  throw new AppError({
    reason: 'PRICE_CHANGED',
    message: `the total of the order is ${current}, not ${expected}`,
    metadata: { expected_total: expected, current_total: current },
    preconditions: [
      { type: 'PRICE', subject: 'expected_total', description: `the current total is ${current}` },
    ],
  });
}

function priceLines({ items }: OrderRequest, products: readonly PricedProduct[]): OrderLine[] {
  const bySku = new Map(products.map((product) => [product.sku, product]));
  return items.map(({ sku, quantity }) => {
    const product = bySku.get(sku);
    if (!product)
      throw new AppError({
        reason: 'PRODUCT_NOT_FOUND',
        message: `unknown product ${sku}`,
        metadata: { sku },
      });
    return { sku, quantity, name: product.name, unitPrice: product.price };
  });
}

function totalOf(lines: readonly OrderLine[]) {
  const currencies = new Set(lines.map(({ unitPrice }) => unitPrice.currency));
  const [currency, otherCurrency] = currencies;
  if (currency === undefined || otherCurrency !== undefined) throw mixedCurrencies(lines);
  const total = lines.reduce(
    (sum, line) => add(sum, multiply(line.unitPrice, line.quantity)),
    money(currency, 0),
  );
  const check = new Validation();
  check.require(total.minor <= maxMinor, 'items', 'must have a total within the supported maximum');
  check.throwIfAny();
  return total;
}

function mixedCurrencies(lines: readonly OrderLine[]): AppError {
  const examples = new Map(lines.map(({ sku, unitPrice }) => [unitPrice.currency, sku]));
  return new AppError({
    reason: 'CURRENCY_MISMATCH',
    message: 'all items of an order must be priced in one currency',
    // The items are already summed and sorted, so the index of an item in the request is unknown.
    fields: [...examples].map(([currency, sku]) => ({
      field: 'items',
      description: `${sku} is priced in ${currency}`,
    })),
  });
}
