import { expect } from 'chai';
import { AppError } from '../../errors/index.js';
import { money } from '../../money/index.js';
import type { CatalogPort, PricedProduct } from '../ports.js';
import { PriceCache } from './price-cache.js';

/** A catalog whose calls are answered by the test. */
class Catalog implements CatalogPort {
  readonly calls: string[][] = [];
  minor = 100n;
  failure: Error | undefined;
  readonly unknown = new Set<string>();

  async price(skus: readonly string[]): Promise<PricedProduct[]> {
    this.calls.push([...skus]);
    const { failure, minor } = this;
    await Promise.resolve();
    if (failure) throw failure;
    if (skus.some((sku) => this.unknown.has(sku)))
      throw new AppError({ reason: 'PRODUCT_NOT_FOUND', message: 'unknown products' });
    return skus.map((sku) => ({ sku, name: sku, price: money('USD', minor) }));
  }
}

describe('PriceCache', () => {
  let catalog: Catalog;
  const cacheFor = (maxAgeMs: number): PriceCache => new PriceCache(catalog, maxAgeMs);
  const pricesOf = async (cache: PriceCache, ...skus: string[]): Promise<string[]> =>
    (await cache.price(skus, {})).map(({ sku, price }) => `${sku} ${price.minor}`);

  beforeEach(() => {
    catalog = new Catalog();
  });

  it('asks the catalog only for products that are not cached', async () => {
    const cache = cacheFor(60_000);

    expect(await pricesOf(cache, 'a', 'c')).to.deep.equal(['a 100', 'c 100']);
    catalog.minor = 200n;

    expect(await pricesOf(cache, 'a', 'b', 'c')).to.deep.equal(['a 100', 'b 200', 'c 100']);
    expect(catalog.calls).to.deep.equal([['a', 'c'], ['b']]);
  });

  it('shares the call of concurrent orders', async () => {
    const cache = cacheFor(60_000);

    await Promise.all([pricesOf(cache, 'a'), pricesOf(cache, 'a'), pricesOf(cache, 'a', 'b')]);

    expect(catalog.calls).to.deep.equal([['a'], ['b']]);
  });

  it('keeps nothing with a maximum age of 0', async () => {
    const cache = cacheFor(0);

    await pricesOf(cache, 'a');
    catalog.minor = 200n;

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 200']);
  });

  it('does not fail with the call of another order', async () => {
    const cache = cacheFor(60_000);
    catalog.unknown.add('x');

    const other = cache.price(['a', 'x'], {}).catch((error: unknown) => error);

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 100']);
    expect(await other).to.include({ reason: 'PRODUCT_NOT_FOUND' });
  });

  it('asks again after a failure', async () => {
    const cache = cacheFor(60_000);
    catalog.failure = new Error('unavailable');
    await cache.price(['a'], {}).catch(() => undefined);
    catalog.failure = undefined;

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 100']);
  });
});
