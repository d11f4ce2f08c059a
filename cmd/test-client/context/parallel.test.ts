import { expect } from 'chai';
import { inParallel, sample } from './parallel.js';

describe('inParallel', () => {
  it('limits the concurrency and returns the results in the sequence of the items', async () => {
    let running = 0;
    let maxRunning = 0;
    const results = await inParallel([3, 1, 2, 5, 4], 2, async (item) => {
      maxRunning = Math.max(maxRunning, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return item * 10;
    });
    expect(results).to.deep.equal([30, 10, 20, 50, 40]);
    expect(maxRunning).to.equal(2);
  });

  it('rejects when one item fails', async () => {
    const failure = new Error('item 2 failed');
    const work = (item: number) => (item === 2 ? Promise.reject(failure) : Promise.resolve(item));
    const error: unknown = await inParallel([1, 2, 3], 2, work).catch((reason: unknown) => reason);
    expect(error).to.equal(failure);
  });
});

describe('sample', () => {
  it('returns every item of a short list', () => {
    expect(sample([1, 2, 3], 3)).to.deep.equal([1, 2, 3]);
  });

  it('returns evenly spaced items of a long list', () => {
    expect(sample([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5)).to.deep.equal([0, 2, 4, 6, 8]);
  });
});
