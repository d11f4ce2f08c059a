import { AppError, isAppError, type Reason } from '../errors/index.js';
import { fromWire, toWire } from '../money/index.js';
import { CatalogServiceService, type Product } from '../pb/catalog/v1/catalog.js';
import { InventoryServiceService } from '../pb/inventory/v1/inventory.js';
import {
  DeclineAdvice,
  DeclineCode,
  PaymentServiceService,
  PaymentState,
  PaymentView,
  type Payment,
} from '../pb/payment/v1/payment.js';
import type { Telemetry } from '../observability/index.js';
import { createClient, type RpcClient, type Transport } from '../rpc/index.js';
import type { Scope } from '../runtime/index.js';
import type { Rejection } from './domain.js';
import type { CatalogPort, InventoryPort, PaymentPort, PricedProduct } from './ports.js';
import type { StepResult } from './saga-plan.js';

/** The other services, as the order service needs them. */
export interface OrderPorts {
  readonly inventory: InventoryPort;
  readonly payment: PaymentPort;
  readonly catalog: CatalogPort;
}

export interface ConnectOptions {
  readonly addresses: { readonly inventory: string; readonly payment: string; readonly catalog: string };
  readonly telemetry: Telemetry;
  readonly transport: Transport;
  /** Longest wait for one answer, milliseconds. */
  readonly timeoutMs: number;
}

/** Opens clients to the other services; they connect on first use. */
export function connectPorts({ addresses, ...options }: ConnectOptions, scope: Scope): OrderPorts {
  // The saga repeats its steps itself; a second authority would multiply the retries.
  const saga = { ...options, retry: false };
  const inventory = { ...saga, name: 'inventory-service', target: addresses.inventory };
  const payment = { ...saga, name: 'payment-service', target: addresses.payment };
  // Nothing is accepted yet: how long to wait for prices is the caller's to say.
  const catalog = {
    ...saga,
    retry: true,
    timeoutMs: 30_000,
    name: 'catalog-service',
    target: addresses.catalog,
  };
  return {
    inventory: inventoryPort(scope.use(createClient(InventoryServiceService, inventory))),
    payment: paymentPort(scope.use(createClient(PaymentServiceService, payment))),
    catalog: catalogPort(scope.use(createClient(CatalogServiceService, catalog))),
  };
}

/** The inventory service as the saga needs it. */
export function inventoryPort(client: RpcClient<typeof InventoryServiceService>): InventoryPort {
  return {
    reserve: (order, bounds) => {
      const items = order.lines.map(({ sku, quantity }) => ({ sku, quantity }));
      const request = { reservationId: order.reservationId, items, ttl: undefined };
      return settle(client.reserveStock(request, bounds), stockRefusals);
    },
    commit: ({ reservationId }, bounds) =>
      settle(client.commitReservation({ reservationId }, bounds), stockRefusals),
    release: ({ reservationId }, bounds) => settle(client.releaseReservation({ reservationId }, bounds), {}),
  };
}

/** The payment service as the saga needs it. */
export function paymentPort(client: RpcClient<typeof PaymentServiceService>): PaymentPort {
  return {
    authorize: ({ id, paymentId, total, paymentMethod }, bounds) => {
      const request = { paymentId, orderId: id, amount: toWire(total), paymentMethod };
      return settle(client.authorizePayment(request, bounds), paymentRefusals, ({ payment }) =>
        authorized(payment),
      );
    },
    // With the amount: a part that somebody else captured must not pass for the whole.
    capture: ({ paymentId, total }, bounds) =>
      settle(client.capturePayment({ paymentId, amount: toWire(total) }, bounds), paymentRefusals),
    void: ({ paymentId }, bounds) => settle(client.voidPayment({ paymentId }, bounds), paymentRefusals),
    refund: async ({ refundId, paymentId }, bounds) => {
      const { payment } = await client.getPayment({ paymentId, view: PaymentView.BASIC }, bounds);
      // Others may have given money back already: only what is left is the saga's to return.
      if (!payment || isSettled(payment)) return { kind: 'done', detail: 'nothing left to refund' };
      return settle(client.refundPayment({ requestId: refundId, paymentId, amount: undefined }, bounds), {});
    },
  };
}

/** The catalog as the order service needs it. */
export function catalogPort(client: RpcClient<typeof CatalogServiceService>): CatalogPort {
  return {
    price: async (skus, bounds) => {
      const { products, missingSkus } = await client.batchGetProducts({ skus: [...skus] }, bounds);
      if (missingSkus.length > 0) throw unknownProducts(missingSkus);
      return products.map(toPricedProduct);
    },
  };
}

/** Names a few: error details travel in headers, whose size callers limit. */
function unknownProducts(skus: readonly string[]): AppError {
  const named = skus.slice(0, 10);
  const more = skus.length > 10 ? ` and ${skus.length - 10} more` : '';
  return new AppError({
    reason: 'PRODUCT_NOT_FOUND',
    message: `unknown products: ${named.join(', ')}${more}`,
    metadata: { skus: named.join(',') },
  });
}

function toPricedProduct({ sku, name, price }: Product): PricedProduct {
  const amount = price && fromWire(price);
  if (amount === undefined || typeof amount === 'string')
    throw new Error(`the catalog has no usable price for ${sku}`);
  return { sku, name, price: amount };
}

type Refusals = Partial<Record<Reason, (error: AppError) => Rejection>>;

const stepRefused = (): Rejection => ({ reason: 'STEP_REFUSED' });

const stockRefusals: Refusals = {
  OUT_OF_STOCK: (error) => ({
    reason: 'OUT_OF_STOCK',
    skus: error.preconditions.map(({ subject }) => subject),
  }),
  RESERVATION_EXPIRED: () => ({ reason: 'RESERVATION_EXPIRED' }),
  RESERVATION_RELEASED: stepRefused,
  RESERVATION_NOT_FOUND: stepRefused,
  // Committed, and given back by somebody else since.
  ILLEGAL_TRANSITION: stepRefused,
  REQUEST_ID_REUSED: stepRefused,
  VALIDATION_FAILED: stepRefused,
};

const paymentRefusals: Refusals = {
  PAYMENT_VOIDED: stepRefused,
  PAYMENT_NOT_FOUND: stepRefused,
  ILLEGAL_TRANSITION: stepRefused,
  REQUEST_ID_REUSED: stepRefused,
  VALIDATION_FAILED: stepRefused,
};

/** A definite answer becomes a result; everything else stays thrown, in doubt. */
async function settle<T>(
  answer: Promise<T>,
  refusals: Refusals,
  read: (value: T) => StepResult = () => ({ kind: 'done' }),
): Promise<StepResult> {
  try {
    return read(await answer);
  } catch (error) {
    const toRejection = isAppError(error) ? refusals[error.reason] : undefined;
    if (!isAppError(error) || !toRejection) throw error;
    return { kind: 'refused', rejection: toRejection(error), detail: error.reason };
  }
}

function authorized(payment: Payment | undefined): StepResult {
  if (payment?.state !== PaymentState.DECLINED) return { kind: 'done' };
  const declineCode = DeclineCode[payment.decline?.code ?? DeclineCode.UNSPECIFIED];
  const declineAdvice = DeclineAdvice[payment.decline?.advice ?? DeclineAdvice.UNSPECIFIED];
  return {
    kind: 'refused',
    rejection: { reason: 'PAYMENT_DECLINED', declineCode, declineAdvice },
    detail: declineCode,
  };
}

function isSettled({ state }: Payment): boolean {
  return state === PaymentState.REFUNDED || state === PaymentState.VOIDED || state === PaymentState.DECLINED;
}
