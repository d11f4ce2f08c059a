import type { Money } from '../money/index.js';
import type { Order, SagaOrder } from './domain.js';
import type { RemoteStep, StepResult } from './saga-plan.js';

/** Bounds of one call to another service. */
export interface CallBounds {
  /** When the answer is no longer useful, milliseconds since the epoch. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

/*
 * What the saga needs of other services. Every call is keyed by ids fixed when the order was accepted,
 * so repeating it is free. A definite answer is returned; whatever else happens is thrown and means
 * that the outcome is in doubt.
 */

export interface InventoryPort {
  reserve(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
  commit(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
  /** Releases a claim, returns committed stock, or makes sure that a late reserve is refused. */
  release(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
}

export interface PaymentPort {
  authorize(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
  capture(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
  /** Refused once the money was captured. */
  void(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
  /** Gives back all that is left. */
  refund(order: SagaOrder, bounds: CallBounds): Promise<StepResult>;
}

export interface PricedProduct {
  readonly sku: string;
  readonly name: string;
  readonly price: Money;
}

export interface CatalogPort {
  /**
   * Current names and prices, in SKU order.
   * @throws AppError PRODUCT_NOT_FOUND that names every unknown SKU
   */
  price(skus: readonly string[], bounds: CallBounds): Promise<readonly PricedProduct[]>;
}

/** How an attempt ended: with a definite answer, or without. */
export const attemptOutcomes = ['succeeded', 'refused', 'in_doubt'] as const;

/** One attempt of a step. */
export interface StepAttempt {
  readonly step: RemoteStep;
  readonly outcome: (typeof attemptOutcomes)[number];
  /** From 1; the ones before settled nothing. */
  readonly attempt: number;
  readonly seconds: number;
}

/** Hears of what happens to orders, for metrics and logs. */
export interface OrderEvents {
  /** An order was accepted, began to be cancelled, or came to rest. Once each, after it is stored. */
  changed(order: Order): void;
  /** An order that nobody drove any more is driven by this instance from now on. */
  recovered(order: SagaOrder): void;
  stepEnded(attempt: StepAttempt): void;
}
