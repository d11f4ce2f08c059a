import { expect } from 'chai';
import { inParallel, sample } from './parallel.js';

describe('work in parallel', () => {
  it('keeps the order of the items and never exceeds its bound', async () => {
    let running = 0;
    let most = 0;
    const results = await inParallel([3, 1, 2, 5, 4], 2, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return item * 10;
    });
    expect(results).to.deep.equal([30, 10, 20, 50, 40]);
    expect(most).to.equal(2);
  });

  it('rejects when one of them does', async () => {
    const failure = new Error('no');
    const work = (item: number) => (item === 2 ? Promise.reject(failure) : Promise.resolve(item));
    const error: unknown = await inParallel([1, 2, 3], 2, work).catch((reason: unknown) => reason);
    expect(error).to.equal(failure);
  });
});

describe('a sample', () => {
  it('is everything when there is little', () => {
    expect(sample([1, 2, 3], 3)).to.deep.equal([1, 2, 3]);
  });

  it('is spread evenly over much', () => {
    expect(sample([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5)).to.deep.equal([0, 2, 4, 6, 8]);
  });
});
