import { fromWire, toWire } from '../../money/index.js';
import { CatalogServiceService, type Product } from '../../pb/catalog/v1/catalog.js';
import {
  InventoryServiceService,
  ReservationState,
  type ReserveStockRequest,
  type ReserveStockResponse,
} from '../../pb/inventory/v1/inventory.js';
import { PaymentServiceService } from '../../pb/payment/v1/payment.js';
import type { Telemetry } from '../../observability/index.js';
import { createClient, type RpcClient, type Transport } from '../../rpc/index.js';
import type { Batching, Scope } from '../../runtime/index.js';
import type { SagaOrder } from '../domain.js';
import type { CatalogPort, InventoryPort, PaymentPort, PricedProduct } from '../ports.js';
import type { ReservationLifetime } from '../saga/action-due.js';
import type { RefundPort } from '../operator/refund.js';
import type { ResolutionPort } from '../operator/resolution.js';
import { acceptedResults, authorized, captured, refund, refundPart, voided } from './payment-answers.js';
import { resolutionPort } from './resolution-port.js';
import { PriceCache, type FindProducts } from './price-cache.js';
import {
  commitRefusals,
  commonRefusals,
  paymentRefusals,
  reserveRefusals,
  toStepResult,
  voidRefusals,
} from './step-answers.js';

/** The services that the order service calls. */
export interface OrderPorts {
  readonly inventory: InventoryPort;
  readonly payment: PaymentPort;
  readonly catalog: CatalogPort;
  /** Partial refunds by operators. */
  readonly refunds: RefundPort;
  /** Resolutions by operators. */
  readonly resolutions: ResolutionPort;
}

export interface ConnectOptions {
  readonly addresses: { readonly inventory: string; readonly payment: string; readonly catalog: string };
  readonly telemetry: Telemetry;
  readonly transport: Transport;
  /** Maximum duration of one attempt of a step. */
  readonly timeoutMs: number;
  /** Batches of the steps of concurrent sagas. */
  readonly batching: Batching;
  /** Maximum age of prices. */
  readonly priceMaxAgeMs: number;
}

/** Creates clients of the other services. A client connects at its first call. */
export function connectPorts(
  { addresses, priceMaxAgeMs, ...options }: ConnectOptions,
  scope: Scope,
): OrderPorts {
  // The saga repeats its steps itself; retries of the channel would multiply the attempts.
  const saga = { ...options, retry: false };
  const inventory = { ...saga, name: 'inventory-service', target: addresses.inventory };
  const payment = { ...saga, name: 'payment-service', target: addresses.payment };
  // Prices are read before the order is accepted, so no saga repeats this call and the channel must retry it. The
  // deadline of the incoming call limits the wait.
  const catalog = {
    ...saga,
    retry: true,
    timeoutMs: 30_000,
    name: 'catalog-service',
    target: addresses.catalog,
  };
  const catalogClient = scope.use(createClient(CatalogServiceService, catalog));
  const paymentClient = scope.use(createClient(PaymentServiceService, payment));
  const inventoryClient = scope.use(createClient(InventoryServiceService, inventory));
  return {
    inventory: inventoryPort(inventoryClient),
    payment: paymentPort(paymentClient),
    refunds: { refund: (part, call) => refundPart(paymentClient, part, call) },
    resolutions: resolutionPort({ payment: paymentClient, inventory: inventoryClient }),
    catalog: new PriceCache(productFinder(catalogClient), {
      maxAgeMs: priceMaxAgeMs,
      batching: options.batching,
    }),
  };
}

export function inventoryPort(client: RpcClient<typeof InventoryServiceService>): InventoryPort {
  return {
    reserve: (order, options) =>
      toStepResult(client.reserveStock(reserveRequest(order), options), reserveRefusals),
    // A repetition returns the reservation. GetReservation would need a permission that deployed access lists may lack.
    lifetime: async (order, options) => {
      let lifetime: ReservationLifetime | undefined;
      await toStepResult(client.reserveStock(reserveRequest(order), options), reserveRefusals, (response) => {
        lifetime = lifetimeOf(response);
        return { kind: 'done' };
      });
      return lifetime;
    },
    commit: ({ reservationId }, options) =>
      toStepResult(client.commitReservation({ reservationId }, options), commitRefusals),
    release: ({ reservationId }, options) =>
      toStepResult(client.releaseReservation({ reservationId }, options), commonRefusals),
  };
}

function reserveRequest({ reservationId, lines }: SagaOrder): ReserveStockRequest {
  const items = lines.map(({ sku, quantity }) => ({ sku, quantity }));
  return { reservationId, items, ttl: undefined };
}

function lifetimeOf({ reservation }: ReserveStockResponse): ReservationLifetime | undefined {
  const { state, createTime: reservedAt, expireTime: expiresAt } = reservation ?? {};
  const isOpen = state === ReservationState.RESERVED;
  return isOpen && reservedAt && expiresAt ? { reservedAt, expiresAt } : undefined;
}

export function paymentPort(client: RpcClient<typeof PaymentServiceService>): PaymentPort {
  return {
    authorize: ({ id, paymentId, total, paymentMethod }, options) => {
      const request = { paymentId, orderId: id, amount: toWire(total), paymentMethod, acceptedResults };
      return toStepResult(client.authorizePayment(request, options), paymentRefusals, authorized);
    },
    // The amount lets the payment service reject the call if another client has captured only a part of the payment.
    capture: ({ paymentId, total }, options) =>
      toStepResult(
        client.capturePayment({ paymentId, amount: toWire(total), acceptedResults }, options),
        paymentRefusals,
        captured,
      ),
    void: ({ paymentId }, options) =>
      toStepResult(client.voidPayment({ paymentId }, options), voidRefusals, voided),
    refund: (order, options) => refund(client, order, options),
  };
}

/** The catalog answers with all products that exist. */
export function productFinder(client: RpcClient<typeof CatalogServiceService>): FindProducts {
  return async (skus, options) => {
    const { products } = await client.batchGetProducts({ skus: [...skus] }, options);
    return new Map(products.map((product) => [product.sku, toPricedProduct(product)]));
  };
}

function toPricedProduct({ sku, name, price }: Product): PricedProduct | Error {
  const amount = price && fromWire(price);
  if (amount === undefined || typeof amount === 'string')
    return new Error(`the catalog has no valid price for ${sku}`);
  return { sku, name, price: amount };
}
