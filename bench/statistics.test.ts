import { expect } from 'chai';
import { format, median, percentile, ratios, relativeRange, spreadOf } from './statistics.js';

describe('statistics of the benchmark', () => {
  it('compute the median of odd and even counts', () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(median([7])).to.equal(7);
    expect(median([])).to.deep.equal(Number.NaN);
  });

  it('report the lowest and highest round beside the median', () => {
    expect(spreadOf([0.9, 0.95, 0.8])).to.deep.equal({ median: 0.9, min: 0.8, max: 0.95 });
  });

  it('express the range of the rounds relative to the median', () => {
    expect(relativeRange([90, 100, 120])).to.equal(0.3);
    expect(relativeRange([100, 100])).to.equal(0);
  });

  it('take percentiles by nearest rank', () => {
    const values = Float64Array.from({ length: 200 }, (_, index) => index + 1);
    expect(percentile(values, 0.5)).to.equal(100);
    expect(percentile(values, 0.99)).to.equal(198);
    expect(percentile(values, 1)).to.equal(200);
    expect(percentile([5], 0.99)).to.equal(5);
    expect(percentile([], 0.5)).to.deep.equal(Number.NaN);
  });

  it('divide each value by the base of its round', () => {
    expect(ratios([90, 40], [100, 50])).to.deep.equal([0.9, 0.8]);
  });

  it('format three significant digits', () => {
    expect([0, 0.0123, 0.5, 1.234, 12.34, 123.4, 12_345.6].map(format)).to.deep.equal([
      '0.00',
      '0.012',
      '0.500',
      '1.23',
      '12.3',
      '123',
      '12,346',
    ]);
    expect(format(Number.NaN)).to.equal('–');
  });
});
