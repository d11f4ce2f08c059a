import { context } from '@opentelemetry/api';
import { AppError } from '../../errors/index.js';
import type { CallOptions } from '../../rpc/index.js';
import { BatchQueue, waitEnded, waitUntil, type Batch, type Batching } from '../../runtime/index.js';
import type { CatalogPort, PricedProduct } from '../ports.js';

/** Products by SKU. An error stands for a product whose price is not usable; only its orders fail. */
export type Products = ReadonlyMap<string, PricedProduct | Error>;

/** Reads up to 400 products of the catalog. Products that do not exist are missing in the answer. */
export type FindProducts = (skus: readonly string[], options: CallOptions) => Promise<Products>;

export interface PriceCacheOptions {
  /** Maximum age of a price, from the request to the catalog on. With 0, every order reads its prices alone. */
  readonly maxAgeMs: number;
  readonly batching: Batching;
}

interface Read {
  readonly skus: readonly string[];
  readonly caller: ReturnType<typeof context.active>;
}

interface Entry {
  readonly product: PricedProduct;
  /** Time of the request that read the product, in milliseconds of `performance.now()`. */
  readonly requestedAt: number;
}

/** Maximum number of cached products. The products that were read first are removed first. */
const maxEntries = 10_000;
/** Maximum number of products in one call. A product has at most 7 kB, and a client accepts 4 MiB. */
const maxProducts = 400;
/** Maximum number of batches in flight. */
const concurrency = 4;
/** Longest time for which a batch delays other batches, in milliseconds: a catalog replica may not answer. */
const maxDelayMs = 100;

/**
 * Keeps the names and prices of products for `maxAgeMs` after the request that read them. The products that concurrent
 * orders do not find in the cache are read with one call. Unknown products are not cached.
 */
export class PriceCache implements CatalogPort {
  readonly #find: FindProducts;
  readonly #maxAgeMs: number;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: BatchQueue<Read, Products>;

  constructor(find: FindProducts, { maxAgeMs, batching }: PriceCacheOptions) {
    this.#find = find;
    this.#maxAgeMs = maxAgeMs;
    const maxItems = maxAgeMs > 0 ? batching.maxItems : 1;
    this.#queue = new BatchQueue({
      operation: 'order.read_prices',
      process: (batch) => this.#process(batch),
      batching: { ...batching, maxItems },
      concurrency: maxItems > 1 ? concurrency : Infinity,
      // The limit of orders in progress also limits the reads.
      maxQueued: Infinity,
    });
  }

  async price(skus: readonly string[], options: CallOptions): Promise<readonly PricedProduct[]> {
    const cached = skus.flatMap((sku) => this.#cached(sku) ?? []);
    return cached.length === skus.length ? cached : this.#complete(skus, cached, options);
  }

  async currentPrice(skus: readonly string[], options: CallOptions): Promise<readonly PricedProduct[]> {
    return this.#complete(skus, [], options);
  }

  /** Reads the products that are not cached. A read never joins a call that has been sent. */
  async #complete(
    skus: readonly string[],
    cached: readonly PricedProduct[],
    options: CallOptions,
  ): Promise<readonly PricedProduct[]> {
    const known = new Map(cached.map((product) => [product.sku, product]));
    const missing = skus.filter((sku) => !known.has(sku));
    const reading = this.#queue.run({ skus: missing, caller: context.active() }, options);
    const read = await waitUntil(reading, options);
    if (!read) throw waitEnded(options, 'the catalog did not answer in time');
    const unknown = missing.filter((sku) => !read.has(sku));
    if (unknown.length > 0) throw unknownProducts(unknown);
    return skus.flatMap((sku) => known.get(sku) ?? usable(read.get(sku)) ?? []);
  }

  #cached(sku: string): PricedProduct | undefined {
    const entry = this.#entries.get(sku);
    return entry && performance.now() - entry.requestedAt < this.#maxAgeMs ? entry.product : undefined;
  }

  async #process(batch: Batch<Read, Products>): Promise<void> {
    const reading = this.#read(batch);
    for (const index of batch.items.keys()) batch.resolve(index, reading);
    await waitUntil(
      reading.catch(() => undefined),
      { deadline: Date.now() + maxDelayMs },
    );
  }

  /** The calls have the trace of the order that has waited for the longest time. */
  async #read({ items, deadline }: Batch<Read, Products>): Promise<Products> {
    const skus = [...new Set(items.flatMap((item) => item.skus))];
    const requestedAt = performance.now();
    const caller = items[0]?.caller ?? context.active();
    const options = deadline < Infinity ? { deadline } : {};
    const answers = await context.with(caller, () =>
      Promise.all(slices(skus).map((slice) => this.#find(slice, options))),
    );
    const products = new Map(answers.flatMap((answer) => Array.from(answer)));
    if (this.#maxAgeMs > 0)
      for (const product of products.values())
        if (!(product instanceof Error)) this.#store({ product, requestedAt });
    return products;
  }

  #store(entry: Entry): void {
    const { sku } = entry.product;
    this.#entries.delete(sku);
    this.#entries.set(sku, entry);
    const [oldest = ''] = this.#entries.keys();
    if (this.#entries.size > maxEntries) this.#entries.delete(oldest);
  }
}

function slices(skus: readonly string[]): string[][] {
  const count = Math.ceil(skus.length / maxProducts);
  return Array.from({ length: count }, (_, page) => skus.slice(page * maxProducts, (page + 1) * maxProducts));
}

/** @throws Error for a product whose price is not usable */
function usable(product: PricedProduct | Error | undefined): PricedProduct | undefined {
  if (product instanceof Error) throw product;
  return product;
}

/** The error lists at most ten SKUs, because gRPC sends error details in metadata of limited size. */
function unknownProducts(skus: readonly string[]): AppError {
  const listed = skus.slice(0, 10);
  const more = skus.length > 10 ? ` and ${skus.length - 10} more` : '';
  return new AppError({
    reason: 'PRODUCT_NOT_FOUND',
    message: `unknown products: ${listed.join(', ')}${more}`,
    metadata: { skus: listed.join(',') },
  });
}
