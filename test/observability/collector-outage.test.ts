import { expect } from 'chai';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { linesOf } from './log-files.js';
import { buy } from './orders.js';
import { forTraces, needs, restoreCollector, running } from './running.js';
import { eventuallyPasses, eventually } from './waiting.js';

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

describe('An outage of the Collector', function () {
  this.timeout(120_000);
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
    await eventually(
      'trace after the restart of the Collector',
      async () => {
        const { traceId } = await buy();
        const look = async () => (await running('jaeger').trace(traceId)) ?? undefined;
        return eventually(`trace ${traceId}`, look, 8000).catch(() => undefined);
      },
      60_000,
    );
    expect(await startTimes()).to.deep.equal(startedAt);
  });

  it('makes the order service write one log line at the start and one at the end', async () => {
    expect(warnings.count()).to.equal(warned + 1);
    // The order service may export its spans later than other services.
    await eventuallyPasses(async () => expect(recoveries.count()).to.equal(relieved + 1), 60_000);
    expect(warnings.count()).to.equal(warned + 1);
  });
});
