import { AppError } from '../../errors/index.js';
import { money } from '../../money/index.js';
import type { OrderPorts } from '../clients.js';
import type { SagaOrder } from '../domain.js';
import type { CallBounds, PricedProduct } from '../ports.js';
import type { RemoteStep, StepResult } from '../saga-plan.js';

/** What happens at one call of a step: undefined lets it take effect. */
export type Fault = (order: SagaOrder, bounds: CallBounds) => Promise<StepResult | undefined>;

/** Money and stock of one order, as the other services' books show it. */
export interface Books {
  reserved: boolean;
  committed: boolean;
  released: boolean;
  authorized: boolean;
  captured: boolean;
  voided: boolean;
  refunded: boolean;
}

/**
 * Inventory, payment and catalog in memory, keyed and with tombstones as the real ones. Faults are put
 * in the way of single steps; every call is written down.
 */
export class FakePorts implements OrderPorts {
  readonly calls: { readonly orderId: string; readonly step: RemoteStep }[] = [];
  readonly faults = new Map<RemoteStep, Fault>();
  readonly products = new Map<string, PricedProduct>();
  readonly #books = new Map<string, Books>();

  constructor() {
    this.sells('espresso', 'USD', 350n).sells('latte', 'USD', 450n).sells('headphones', 'JPY', 12_800n);
  }

  sells(sku: string, currency: string, minor: bigint): this {
    this.products.set(sku, { sku, name: `A ${sku}`, price: money(currency, minor) });
    return this;
  }

  booksOf(orderId: string): Books {
    const books = this.#books.get(orderId) ?? {
      reserved: false,
      committed: false,
      released: false,
      authorized: false,
      captured: false,
      voided: false,
      refunded: false,
    };
    this.#books.set(orderId, books);
    return books;
  }

  /** Steps that were called for an order, in order. */
  stepsOf(orderId: string): RemoteStep[] {
    return this.calls.filter((call) => call.orderId === orderId).map(({ step }) => step);
  }

  readonly catalog = {
    price: async (skus: readonly string[]): Promise<PricedProduct[]> =>
      skus.map((sku) => {
        const product = this.products.get(sku);
        if (!product) throw new AppError({ reason: 'PRODUCT_NOT_FOUND', message: `unknown product ${sku}` });
        return product;
      }),
  };

  readonly inventory = {
    reserve: this.#step('RESERVE_STOCK', (books) => (books.released ? 'refused' : (books.reserved = true))),
    commit: this.#step('COMMIT_STOCK', (books) => (books.released ? 'refused' : (books.committed = true))),
    release: this.#step('RELEASE_STOCK', (books) => {
      books.released = true;
      books.reserved = false;
      books.committed = false;
    }),
  };

  readonly payment = {
    authorize: this.#step('AUTHORIZE_PAYMENT', (books) =>
      books.voided ? 'refused' : (books.authorized = true),
    ),
    capture: this.#step('CAPTURE_PAYMENT', (books) => (books.voided ? 'refused' : (books.captured = true))),
    void: this.#step('VOID_PAYMENT', (books) => (books.captured ? 'refused' : (books.voided = true))),
    refund: this.#step('REFUND_PAYMENT', (books) => (books.refunded = true)),
  };

  #step(step: RemoteStep, apply: (books: Books) => unknown) {
    return async (order: SagaOrder, bounds: CallBounds): Promise<StepResult> => {
      this.calls.push({ orderId: order.id, step });
      const intervened = await this.faults.get(step)?.(order, bounds);
      if (intervened) return intervened;
      const outcome = apply(this.booksOf(order.id));
      return outcome === 'refused'
        ? { kind: 'refused', rejection: { reason: 'STEP_REFUSED' }, detail: 'tombstone' }
        : { kind: 'done' };
    };
  }
}
