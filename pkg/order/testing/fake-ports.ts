import { AppError } from '../../errors/index.js';
import { money } from '../../money/index.js';
import type { OrderPorts } from '../clients.js';
import type { SagaOrder } from '../domain.js';
import type { CallBounds, PricedProduct } from '../ports.js';
import type { RemoteStep, StepResult } from '../saga-plan.js';
import { Books } from './books.js';
import type { Fault } from './faults.js';

/**
 * Inventory, payment and catalog in memory, keyed and with tombstones as the real ones. Faults are put
 * in the way of single steps; every call is written down.
 */
export class FakePorts implements OrderPorts {
  readonly calls: { readonly orderId: string; readonly step: RemoteStep }[] = [];
  readonly faults = new Map<RemoteStep, Fault>();
  readonly products = new Map<string, PricedProduct>();
  /** Thrown by the catalog while set. */
  catalogFailure: Error | undefined;
  readonly #books = new Map<string, Books>();

  constructor() {
    this.sells('espresso', 'USD', 350n).sells('latte', 'USD', 450n).sells('headphones', 'JPY', 12_800n);
  }

  sells(sku: string, currency: string, minor: bigint): this {
    this.products.set(sku, { sku, name: `A ${sku}`, price: money(currency, minor) });
    return this;
  }

  booksOf(orderId: string): Books {
    const books = this.#books.get(orderId) ?? new Books();
    this.#books.set(orderId, books);
    return books;
  }

  /** Steps that were called for an order, in order. */
  stepsOf(orderId: string): RemoteStep[] {
    return this.calls.filter((call) => call.orderId === orderId).map(({ step }) => step);
  }

  readonly catalog = {
    price: async (skus: readonly string[]): Promise<PricedProduct[]> => {
      if (this.catalogFailure) throw this.catalogFailure;
      return skus.map((sku) => {
        const product = this.products.get(sku);
        if (!product) throw new AppError({ reason: 'PRODUCT_NOT_FOUND', message: `unknown product ${sku}` });
        return product;
      });
    },
  };

  readonly inventory = {
    reserve: this.#step('RESERVE_STOCK'),
    commit: this.#step('COMMIT_STOCK'),
    release: this.#step('RELEASE_STOCK'),
  };

  readonly payment = {
    authorize: this.#step('AUTHORIZE_PAYMENT'),
    capture: this.#step('CAPTURE_PAYMENT'),
    void: this.#step('VOID_PAYMENT'),
    refund: this.#step('REFUND_PAYMENT'),
  };

  /** What the service that a step belongs to does when it is called. */
  async call(step: RemoteStep, order: SagaOrder, bounds: CallBounds): Promise<StepResult> {
    this.calls.push({ orderId: order.id, step });
    const books = this.booksOf(order.id);
    const intervened = await this.faults.get(step)?.(order, bounds, () => books.apply(step, order));
    if (intervened?.kind === 'refused') return books.refuse(step, intervened);
    return intervened ?? books.apply(step, order);
  }

  #step(step: RemoteStep) {
    return (order: SagaOrder, bounds: CallBounds): Promise<StepResult> => this.call(step, order, bounds);
  }
}
