import { expect } from 'chai';
import { shippedJobs } from '../lab/stack/prometheus-config.js';
import { isAvailable } from '../lab/requirements.js';
import { forLogs, forTraces, needs, running } from './running.js';
import { eventuallyPasses } from './waiting.js';

/** Returns the scrape jobs of the parts that do not run. */
function absentJobs(): string[] {
  return [
    // Grafana does not run in these tests, which send its queries directly to Prometheus and Loki.
    'grafana',
    ...(forTraces.every(isAvailable) ? [] : ['jaeger', 'otel-collector']),
    ...(forLogs.every(isAvailable) ? [] : ['loki']),
  ];
}

describe('Prometheus', () => {
  needs('prometheus');

  it('reaches every target of the shipped configuration', () =>
    eventuallyPasses(async () => {
      const targets = await running('prometheus').targets();
      expect(targets.filter(({ health }) => health !== 'up')).to.deep.equal([]);
      const wanted = shippedJobs().filter((job) => !absentJobs().includes(job));
      expect(new Set(targets.map(({ job }) => job))).to.include.all.keys(...wanted);
    }));
});
