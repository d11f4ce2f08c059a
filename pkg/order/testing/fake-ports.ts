import { AppError } from '../../errors/index.js';
import { money } from '../../money/index.js';
import type { OrderPorts } from '../clients/clients.js';
import type { SagaOrder } from '../domain.js';
import type { CallOptions } from '../../rpc/index.js';
import type { PricedProduct } from '../ports.js';
import type { ReservationLifetime } from '../saga/action-due.js';
import type { RemoteStep, StepResult } from '../saga/plan.js';
import { EffectLedger } from './effect-ledger.js';
import { FakeRefunds } from './fake-refunds.js';
import { FakeResolutions } from './fake-resolutions.js';
import type { Fault } from './faults.js';

/** Returns the lifetime of a reservation that was made now. */
export function lifetimeOf(ms: number): ReservationLifetime {
  return { reservedAt: new Date(), expiresAt: new Date(Date.now() + ms) };
}

/**
 * In-memory inventory, payment and catalog services with idempotency keys and tombstones. A fault can replace the
 * effect of a step, or run before or after the effect. Every call of a step is recorded.
 */
export class FakePorts implements OrderPorts {
  readonly calls: { readonly orderId: string; readonly step: RemoteStep }[] = [];
  readonly faults = new Map<RemoteStep, Fault>();
  readonly products = new Map<string, PricedProduct>();
  readonly refunds = new FakeRefunds();
  readonly resolutions = new FakeResolutions();
  /** Number of reads that may use cached prices, and of reads that may not. */
  readonly catalogReads = { cached: 0, current: 0 };
  /** If set, every catalog call fails with this error. */
  catalogFailure: Error | undefined;
  #cachedProducts: ReadonlyMap<string, PricedProduct> = new Map();
  readonly #ledgers = new Map<string, EffectLedger>();

  constructor() {
    this.setPrice('espresso', 'USD', 350n)
      .setPrice('latte', 'USD', 450n)
      .setPrice('headphones', 'JPY', 12_800n);
  }

  setPrice(sku: string, currency: string, minor: bigint): this {
    this.products.set(sku, { sku, name: `A ${sku}`, price: money(currency, minor) });
    return this;
  }

  /** Later reads that may use cached prices return the prices of now. */
  cachePrices(): this {
    this.#cachedProducts = new Map(this.products);
    return this;
  }

  ledgerOf(orderId: string): EffectLedger {
    const ledger = this.#ledgers.get(orderId) ?? new EffectLedger();
    this.#ledgers.set(orderId, ledger);
    return ledger;
  }

  /** Returns the step of each call for an order, oldest first. */
  stepsOf(orderId: string): RemoteStep[] {
    return this.calls.filter((call) => call.orderId === orderId).map(({ step }) => step);
  }

  readonly catalog = {
    price: async (skus: readonly string[]): Promise<PricedProduct[]> => {
      this.catalogReads.cached += 1;
      return this.#price(skus, this.#cachedProducts);
    },
    currentPrice: async (skus: readonly string[]): Promise<PricedProduct[]> => {
      this.catalogReads.current += 1;
      return this.#price(skus);
    },
  };

  /** Called when an order whose customer must act reads the lifetime of its reservation. */
  lifetime = async (): Promise<ReservationLifetime | undefined> => lifetimeOf(15 * 60_000);

  readonly inventory = {
    reserve: this.#step('RESERVE_STOCK'),
    lifetime: (): Promise<ReservationLifetime | undefined> => this.lifetime(),
    commit: this.#step('COMMIT_STOCK'),
    release: this.#step('RELEASE_STOCK'),
  };

  readonly payment = {
    authorize: this.#step('AUTHORIZE_PAYMENT'),
    capture: this.#step('CAPTURE_PAYMENT'),
    void: this.#step('VOID_PAYMENT'),
    refund: this.#step('REFUND_PAYMENT'),
  };

  /** Records a call of a step, and applies the fault or the effect of the step. */
  async call(step: RemoteStep, order: SagaOrder, options: CallOptions): Promise<StepResult> {
    this.calls.push({ orderId: order.id, step });
    const ledger = this.ledgerOf(order.id);
    const fault = await this.faults.get(step)?.(order, options, () => ledger.apply(step, order));
    if (fault?.kind === 'refused') return ledger.refuse(step, fault);
    return fault ?? ledger.apply(step, order);
  }

  #price(skus: readonly string[], cached?: ReadonlyMap<string, PricedProduct>): PricedProduct[] {
    if (this.catalogFailure) throw this.catalogFailure;
    return skus.map((sku) => {
      const product = cached?.get(sku) ?? this.products.get(sku);
      if (!product) throw new AppError({ reason: 'PRODUCT_NOT_FOUND', message: `unknown product ${sku}` });
      return product;
    });
  }

  #step(step: RemoteStep) {
    return (order: SagaOrder, options: CallOptions): Promise<StepResult> => this.call(step, order, options);
  }
}
