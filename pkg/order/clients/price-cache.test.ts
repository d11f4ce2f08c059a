import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { AppError } from '../../errors/index.js';
import { money } from '../../money/index.js';
import { PriceCache, type FindProducts } from './price-cache.js';

/** A catalog whose calls are answered by the test. */
class Catalog {
  readonly calls: string[][] = [];
  minor = 100n;
  failure: Error | undefined;
  readonly unknown = new Set<string>();
  readonly invalid = new Map<string, Error>();

  readonly find: FindProducts = async (skus) => {
    this.calls.push([...skus]);
    const { failure, minor } = this;
    await Promise.resolve();
    if (failure) throw failure;
    const known = skus.filter((sku) => !this.unknown.has(sku));
    return new Map(
      known.map((sku) => [sku, this.invalid.get(sku) ?? { sku, name: sku, price: money('USD', minor) }]),
    );
  };
}

describe('PriceCache', () => {
  let catalog: Catalog;
  const cacheFor = (maxAgeMs: number): PriceCache =>
    new PriceCache(catalog.find, { maxAgeMs, batching: { maxItems: 64 } });
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

  it('reads current prices from the catalog, and keeps them', async () => {
    const cache = cacheFor(60_000);
    await pricesOf(cache, 'a', 'b');
    catalog.minor = 200n;

    const current = await Promise.all([cache.currentPrice(['a'], {}), cache.currentPrice(['a', 'c'], {})]);

    expect(
      current.map((products) => products.map(({ sku, price }) => `${sku} ${price.minor}`)),
    ).to.deep.equal([['a 200'], ['a 200', 'c 200']]);
    expect(await pricesOf(cache, 'a', 'b', 'c')).to.deep.equal(['a 200', 'b 100', 'c 200']);
    expect(catalog.calls).to.deep.equal([
      ['a', 'b'],
      ['a', 'c'],
    ]);
  });

  it('does not read a current price from the answer to an earlier call', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const findSlowly: FindProducts = async (skus, options) => {
      const found = await catalog.find(skus, options);
      if (catalog.calls.length === 1) await answered;
      return found;
    };
    const cache = new PriceCache(findSlowly, { maxAgeMs: 60_000, batching: { maxItems: 64 } });
    const earlier = pricesOf(cache, 'a');
    while (catalog.calls.length === 0) await endOfTurn();
    catalog.minor = 200n;

    const [product] = await cache.currentPrice(['a'], {});

    expect(product?.price).to.deep.equal(money('USD', 200n));
    answer();
    expect(await earlier).to.deep.equal(['a 100']);
  });

  it('reads the products of concurrent orders with one call', async () => {
    const cache = cacheFor(60_000);

    const orders = [pricesOf(cache, 'a'), pricesOf(cache, 'b'), pricesOf(cache, 'a', 'c')];

    expect(await Promise.all(orders)).to.deep.equal([['a 100'], ['b 100'], ['a 100', 'c 100']]);
    expect(catalog.calls).to.deep.equal([['a', 'b', 'c']]);
  });

  it('asks for at most 400 products at a time', async () => {
    const cache = cacheFor(60_000);
    const skus = (order: number): string[] =>
      Array.from({ length: 100 }, (_, line) => `${order}-${String(line).padStart(2, '0')}`);

    await Promise.all(Array.from({ length: 25 }, (_, order) => cache.price(skus(order), {})));

    expect(Math.max(...catalog.calls.map(({ length }) => length))).to.be.within(100, 400);
    expect(new Set(catalog.calls.flat()).size).to.equal(2500);
  });

  it('keeps nothing with a maximum age of 0, and reads for each order', async () => {
    const cache = cacheFor(0);

    await Promise.all([pricesOf(cache, 'a'), pricesOf(cache, 'a')]);
    catalog.minor = 200n;

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 200']);
    expect(catalog.calls).to.deep.equal([['a'], ['a'], ['a']]);
  });

  it('fails with the unknown products of an order, and not with those of another order', async () => {
    const cache = cacheFor(60_000);
    catalog.unknown.add('x').add('y');

    const other = cache.price(['a', 'x', 'y'], {}).catch((error: unknown) => error);

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 100']);
    expect(await other).to.deep.include({ reason: 'PRODUCT_NOT_FOUND', metadata: { skus: 'x,y' } });
    expect(catalog.calls).to.have.length(1);
  });

  it('fails for a product without a usable price, and not for other orders', async () => {
    const cache = cacheFor(60_000);
    const failure = new Error('no valid price');
    catalog.invalid.set('x', failure);

    const other = cache.price(['a', 'x'], {}).catch((error: unknown) => error);

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 100']);
    expect(await other).to.equal(failure);
  });

  it('does not keep an order waiting after its deadline', async () => {
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const slow = new PriceCache((skus) => answered.then(() => catalog.find(skus, {})), {
      maxAgeMs: 60_000,
      batching: { maxItems: 64 },
    });

    const patient = slow.price(['a'], {});
    const hurried = slow.price(['a'], { deadline: Date.now() + 20 }).catch((error: unknown) => error);

    expect(await hurried).to.include({ reason: 'DEADLINE_EXCEEDED' });
    answer();
    expect(await patient).to.have.length(1);
  });

  it('does not delay other orders while calls are not answered', async () => {
    const frozen = new Promise<never>(() => undefined);
    const cache = new PriceCache(
      (skus, options) => (skus.includes('lost') ? frozen : catalog.find(skus, options)),
      { maxAgeMs: 60_000, batching: { maxItems: 2 } },
    );
    const lost: Promise<unknown>[] = [];
    for (let order = 0; order < 8; order += 1) {
      lost.push(cache.price(['lost'], { deadline: Date.now() + 500 }).catch(() => undefined));
      await endOfTurn();
    }

    expect(await cache.price(['a'], { deadline: Date.now() + 400 })).to.have.length(1);
    await Promise.all(lost);
  });

  it('asks again after a failure', async () => {
    const cache = cacheFor(60_000);
    catalog.failure = new AppError({ reason: 'DEPENDENCY_UNAVAILABLE', message: 'no answer' });
    const failed = await Promise.all(
      ['a', 'b'].map((sku) => cache.price([sku], {}).catch((error: unknown) => error)),
    );
    expect(failed).to.deep.equal([catalog.failure, catalog.failure]);
    catalog.failure = undefined;

    expect(await pricesOf(cache, 'a')).to.deep.equal(['a 100']);
  });
});
