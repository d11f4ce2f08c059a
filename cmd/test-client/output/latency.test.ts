import { expect } from 'chai';
import { formatMs, summarize } from './latency.js';

describe('summarize', () => {
  it('calculates percentiles by nearest rank from unsorted samples', () => {
    const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(summarize(samples)).to.deep.equal({ p50: 50, p95: 95, p99: 99, max: 100, mean: 50.5 });
  });

  it('does not interpolate between two samples', () => {
    expect(summarize([1, 1000])).to.include({ p50: 1, p95: 1000, p99: 1000 });
  });

  it('returns the value of a single sample', () => {
    expect(summarize([7])).to.deep.equal({ p50: 7, p95: 7, p99: 7, max: 7, mean: 7 });
  });

  it('returns zeros without samples', () => {
    expect(summarize([])).to.deep.equal({ p50: 0, p95: 0, p99: 0, max: 0, mean: 0 });
  });
});

describe('formatMs', () => {
  it('formats milliseconds or seconds', () => {
    expect([0.42, 8.44, 412.3, 12_640].map(formatMs)).to.deep.equal(['0.4 ms', '8.4 ms', '412 ms', '12.6 s']);
  });
});
