import { expect } from 'chai';
import { parsePromQl } from './promql.js';

describe('parsePromQl', () => {
  it('returns the metrics of a valid expression and no syntax error', () => {
    const { metrics, syntaxErrors } = parsePromQl(
      'sum by (job) (rate(a_total{service=~".*"}[1m])) / on (job) b:c or vector(0) unless d offset 1m',
    );
    expect(metrics).to.have.members(['a_total', 'b:c', 'd']);
    expect(syntaxErrors).to.be.empty;
  });

  for (const invalid of ['sum by (job (up)', 'rate(up[1x])', 'up{job=api}', 'up >', 'sum(up))'])
    it(`returns a syntax error for the expression ${invalid}`, () => {
      expect(parsePromQl(invalid).syntaxErrors).not.to.be.empty;
    });
});
