import { expect } from 'chai';
import { buy } from './orders.js';
import { needs, running } from './verification.js';
import { eventually } from './waiting.js';

const histograms = ['request_duration_seconds_bucket', 'saga_step_duration_seconds_bucket'];

describe('Exemplars', () => {
  needs('metrics', 'traces');

  for (const histogram of histograms) {
    it(`of ${histogram} lead to the trace of an order`, async () => {
      const { traceId } = await buy();
      await eventually(`an exemplar of ${histogram} with trace ${traceId}`, async () => {
        const exemplars = await running('prometheus').exemplars(`${histogram}{job="order-service"}`);
        return exemplars.find(({ labels }) => labels['trace_id'] === traceId);
      });
      const holdsIt = 'the span of the order';
      const trace = await running('jaeger').wholeTrace(traceId, holdsIt, ({ spans }) => spans.length > 0);
      expect(trace.spans.map(({ service }) => service)).to.include('order-service');
    });
  }
});
