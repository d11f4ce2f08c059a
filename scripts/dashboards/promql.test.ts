import { expect } from 'chai';
import { parsePromQl } from './promql.js';

describe('a PromQL expression', () => {
  it('names the metrics that it reads', () => {
    const { metrics, mistakes } = parsePromQl(
      'sum by (job) (rate(a_total{service=~".*"}[1m])) / on (job) b:c or vector(0) unless d offset 1m',
    );
    expect(metrics).to.have.members(['a_total', 'b:c', 'd']);
    expect(mistakes).to.be.empty;
  });

  for (const wrong of ['sum by (job (up)', 'rate(up[1x])', 'up{job=api}', 'up >', 'sum(up))'])
    it(`is refused when it is none: ${wrong}`, () => {
      expect(parsePromQl(wrong).mistakes).not.to.be.empty;
    });
});
