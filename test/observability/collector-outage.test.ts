import { expect } from 'chai';
import { services } from '../../cmd/dev/services/service-spec.js';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { linesOf } from './log-files.js';
import { buy } from './orders.js';
import { forTraces, needs, restoreCollector, running } from './running.js';
import { eventuallyPasses, eventually } from './waiting.js';

/** The longest backoff of a gRPC channel: 120 s plus a fifth as jitter, and the time of one export. */
const longestBackoffMs = 155_000;

async function lostSpans(): Promise<number> {
  const query = 'sum(otel_sdk_exporter_span_exported_total{job="order-service", error_type="export_failed"})';
  const [sum] = await running('prometheus').query(query);
  return sum?.value ?? 0;
}

async function startTimes(): Promise<number[]> {
  const samples = await running('prometheus').query('process_start_time_seconds{job=~".+-service"}');
  return samples.map(({ value }) => value).toSorted((one, other) => one - other);
}

/** Counts the log lines of the order service with this message. */
function linesWith(message: string): { count(): number } {
  return { count: () => linesOf('order-service').filter(({ msg }) => msg === message).length };
}

/** Returns whether the trace of a new order has spans of every service. */
async function everyServiceExports(): Promise<boolean> {
  const { traceId } = await buy();
  const look = async (): Promise<boolean> => {
    const { spans = [] } = (await running('jaeger').trace(traceId)) ?? {};
    return services.every(({ name }) => spans.some(({ service }) => service === name));
  };
  return eventually(`trace ${traceId} of every service`, look, 8000).catch(() => false);
}

describe('An outage of the Collector', function () {
  this.timeout(longestBackoffMs + 30_000);
  needs(...forTraces, 'prometheus');
  const warnings = linesWith('spans cannot be exported and are lost');
  const recoveries = linesWith('spans are exported again');
  let startedAt: number[];
  let warned: number;
  let relieved: number;

  before(async () => {
    warned = warnings.count();
    relieved = recoveries.count();
    startedAt = await startTimes();
    await running('collector').close();
  });

  after(restoreCollector);

  it('does not stop orders, and the order service counts the lost spans', async () => {
    const before = await lostSpans();
    for (const _ of [1, 2, 3]) {
      const { order, retries } = await buy();
      expect([order.state, ...retries]).to.deep.equal([OrderState.CONFIRMED]);
    }
    await eventuallyPasses(async () => expect(await lostSpans()).to.be.greaterThan(before), 60_000);
  });

  it('requires no restart of a service: new traces arrive after the outage', async () => {
    await running('collector').start();
    // The channel of each service reconnects after its own backoff, so one order may lack the spans of some services.
    await eventually('trace of every service', everyServiceExports, longestBackoffMs);
    expect(await startTimes()).to.deep.equal(startedAt);
  });

  it('makes the order service write one log line at the start and one at the end', async () => {
    expect(warnings.count()).to.equal(warned + 1);
    await eventuallyPasses(async () => {
      // A service without new spans exports nothing, so it would not notice that the Collector is back.
      await buy();
      expect(recoveries.count()).to.equal(relieved + 1);
    }, longestBackoffMs);
    expect(warnings.count()).to.equal(warned + 1);
  });
});
