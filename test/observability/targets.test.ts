import { expect } from 'chai';
import { shippedJobs } from './prometheus-config.js';
import { lacks, needs, running } from './verification.js';
import { becomesTrue } from './waiting.js';

/** Jobs of what does not run here. */
function absentJobs(): string[] {
  return [
    // A web page over the others, which are asked directly here.
    'grafana',
    ...(lacks.collector ? ['jaeger', 'otel-collector'] : []),
    ...(lacks.logs ? ['loki'] : []),
  ];
}

describe('Prometheus', () => {
  needs('metrics');

  it('reaches every target that ships', () =>
    becomesTrue(async () => {
      const targets = await running('prometheus').targets();
      expect(targets.filter(({ health }) => health !== 'up')).to.deep.equal([]);
      const wanted = shippedJobs().filter((job) => !absentJobs().includes(job));
      expect(new Set(targets.map(({ job }) => job))).to.include.all.keys(...wanted);
    }));
});
