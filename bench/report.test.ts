import { expect } from 'chai';
import { median, ratios, spread } from './report.js';

describe('benchmark report', () => {
  it('computes the median of odd and even counts', () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(median([7])).to.equal(7);
    expect(median([])).to.deep.equal(Number.NaN);
  });

  it('divides each value by the base of its round', () => {
    expect(ratios([90, 40], [100, 50])).to.deep.equal([0.9, 0.8]);
  });

  it('formats median, lowest and highest value', () => {
    expect(spread([0.9, 0.95, 0.8])).to.equal('0.90 (0.80 to 0.95)');
  });
});
