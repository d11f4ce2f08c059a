import type { CallOptions } from '../../rpc/index.js';
import type { CatalogPort, PricedProduct } from '../ports.js';

interface Entry {
  readonly product: PricedProduct;
  /** Time of the request that read the product, in milliseconds of `performance.now()`. */
  readonly requestedAt: number;
}

/** Maximum number of cached products. The products that were read first are removed first. */
const maxEntries = 10_000;

/**
 * Keeps the names and prices of products for `maxAgeMs` after the request that read them. Concurrent orders of a product
 * that is not cached share one call. Unknown products are not cached.
 */
export class PriceCache implements CatalogPort {
  readonly #catalog: CatalogPort;
  readonly #maxAgeMs: number;
  readonly #entries = new Map<string, Entry>();
  /** Calls in progress, by SKU. */
  readonly #calls = new Map<string, Promise<unknown>>();

  constructor(catalog: CatalogPort, maxAgeMs: number) {
    this.#catalog = catalog;
    this.#maxAgeMs = maxAgeMs;
  }

  async price(skus: readonly string[], options: CallOptions): Promise<readonly PricedProduct[]> {
    const calls = new Set(skus.flatMap((sku) => (this.#cached(sku) ? [] : (this.#calls.get(sku) ?? []))));
    // Such a call may fail because of the deadline of another caller or an unknown product of another order.
    if (calls.size > 0) await Promise.allSettled(calls);
    const cached = skus.flatMap((sku) => this.#cached(sku) ?? []);
    if (cached.length === skus.length) return cached;
    const known = new Set(cached.map(({ sku }) => sku));
    const read = await this.#read(
      skus.filter((sku) => !known.has(sku)),
      options,
    );
    return [...cached, ...read].toSorted((a, b) => (a.sku < b.sku ? -1 : 1));
  }

  #cached(sku: string): PricedProduct | undefined {
    const entry = this.#entries.get(sku);
    return entry && performance.now() - entry.requestedAt < this.#maxAgeMs ? entry.product : undefined;
  }

  async #read(skus: readonly string[], options: CallOptions): Promise<readonly PricedProduct[]> {
    const requestedAt = performance.now();
    const call = this.#catalog.price(skus, options);
    for (const sku of skus) this.#calls.set(sku, call);
    try {
      const products = await call;
      for (const product of products) this.#store({ product, requestedAt });
      return products;
    } finally {
      for (const sku of skus) if (this.#calls.get(sku) === call) this.#calls.delete(sku);
    }
  }

  #store(entry: Entry): void {
    const { sku } = entry.product;
    this.#entries.delete(sku);
    this.#entries.set(sku, entry);
    const [oldest = ''] = this.#entries.keys();
    if (this.#entries.size > maxEntries) this.#entries.delete(oldest);
  }
}
