import type { Money } from '../money/index.js';
import type { CallOptions } from '../rpc/index.js';
import type { SagaOrder } from './domain.js';
import type { ReservationLifetime } from './saga/action-due.js';
import type { StepResult } from './saga/plan.js';

/*
 * Interfaces of the services that the order service calls. Every attempt of a step sends the ids that were
 * stored with the accepted order, so a repeated step takes effect once. A method returns a definite
 * answer. On any other outcome, the method throws and the step is in doubt.
 */

export interface InventoryPort {
  reserve(order: SagaOrder, options: CallOptions): Promise<StepResult>;
  /** Returns the lifetime of the reservation; undefined when the reservation holds no stock and never will. */
  lifetime(order: SagaOrder, options: CallOptions): Promise<ReservationLifetime | undefined>;
  commit(order: SagaOrder, options: CallOptions): Promise<StepResult>;
  /** Releases a reservation or returns committed stock. A later reserve is refused. */
  release(order: SagaOrder, options: CallOptions): Promise<StepResult>;
}

export interface PaymentPort {
  authorize(order: SagaOrder, options: CallOptions): Promise<StepResult>;
  capture(order: SagaOrder, options: CallOptions): Promise<StepResult>;
  /** Voids the payment. A void after a capture is refused. */
  void(order: SagaOrder, options: CallOptions): Promise<StepResult>;
  /** Refunds the remaining amount. */
  refund(order: SagaOrder, options: CallOptions): Promise<StepResult>;
}

export interface PricedProduct {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
}

export interface CatalogPort {
  /**
   * Returns the names and prices of products, which may be as old as the cache allows.
   * @throws AppError PRODUCT_NOT_FOUND with the unknown SKUs
   */
  price(skus: readonly string[], options: CallOptions): Promise<readonly PricedProduct[]>;
  /** Like {@link price}, but reads all products from the catalog after the call. */
  currentPrice(skus: readonly string[], options: CallOptions): Promise<readonly PricedProduct[]>;
}
