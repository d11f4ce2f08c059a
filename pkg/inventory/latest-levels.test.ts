import { expect } from 'chai';
import type { StockLevel } from './domain.js';
import { LatestLevels } from './latest-levels.js';
import { aLevel } from './testing/builders.js';

function takeAll(news: LatestLevels): StockLevel[] {
  const taken: StockLevel[] = [];
  for (let level = news.take(); level; level = news.take()) taken.push(level);
  return taken;
}

describe('the latest levels of a watcher', () => {
  it('keep the newest of each SKU while nobody reads', () => {
    const news = new LatestLevels();
    for (let revision = 1n; revision <= 1000n; revision += 1n) {
      news.offer([aLevel({ sku: 'a', revision }), aLevel({ sku: 'b', revision: revision * 2n })]);
    }
    const told = takeAll(news).map(({ sku, revision }) => [sku, revision]);
    expect(told).to.deep.equal([
      ['a', 1000n],
      ['b', 2000n],
    ]);
  });

  it('drop what was read before something newer was told', () => {
    const news = new LatestLevels();
    news.offer([aLevel({ revision: 5n })]);
    takeAll(news);
    news.offer([aLevel({ revision: 4n }), aLevel({ revision: 5n })]);
    expect(takeAll(news)).to.deep.equal([]);
  });

  it('tell of a claim that time alone has ended', () => {
    const news = new LatestLevels();
    news.offer([aLevel({ revision: 5n, reserved: 3n })]);
    takeAll(news);
    news.offer([aLevel({ revision: 5n, reserved: 1n })]);
    expect(takeAll(news).map(({ reserved }) => reserved)).to.deep.equal([1n]);
    news.offer([aLevel({ revision: 5n, reserved: 3n })]);
    expect(takeAll(news)).to.deep.equal([]);
  });

  it('end the wait of a reader when something arrives, and when it is woken', async () => {
    const news = new LatestLevels();
    const arrival = news.arrival();
    news.offer([aLevel()]);
    await arrival;
    takeAll(news);
    const another = news.arrival();
    news.wake();
    await another;
    await news.arrival();
  });
});
