import { expect } from 'chai';
import { buy } from './orders.js';
import { forTraces, needs, running } from './running.js';
import { eventually } from './waiting.js';

const histograms = ['request_duration_seconds_bucket', 'saga_step_duration_seconds_bucket'];

describe('Exemplars', () => {
  needs('prometheus', ...forTraces);

  for (const histogram of histograms) {
    it(`of ${histogram} link to the trace of an order`, async () => {
      const { traceId } = await buy();
      await eventually(`exemplar of ${histogram} with trace ${traceId}`, async () => {
        const exemplars = await running('prometheus').exemplars(`${histogram}{job="order-service"}`);
        return exemplars.find(({ labels }) => labels['trace_id'] === traceId);
      });
      const trace = await running('jaeger').wholeTrace(traceId, 'spans', ({ spans }) => spans.length > 0);
      expect(trace.spans.map(({ service }) => service)).to.include('order-service');
    });
  }
});
