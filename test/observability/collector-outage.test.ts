import { expect } from 'chai';
import { OrderState } from '../../pkg/pb/order/v1/order.js';
import { linesOf } from './log-files.js';
import { buy } from './orders.js';
import { needs, restoreCollector, running } from './verification.js';
import { becomesTrue, eventually } from './waiting.js';

async function lostSpans(): Promise<number> {
  const query = 'sum(otel_sdk_exporter_span_exported_total{job="order-service", error_type="export_failed"})';
  const [sum] = await running('prometheus').query(query);
  return sum?.value ?? 0;
}

async function startTimes(): Promise<number[]> {
  const samples = await running('prometheus').query('process_start_time_seconds{job=~".+-service"}');
  return samples.map(({ value }) => value).toSorted((one, other) => one - other);
}

/** Log lines of the order service with this message. */
function saying(message: string): { count(): number } {
  return { count: () => linesOf('order-service').filter(({ msg }) => msg === message).length };
}

describe('While the Collector is away', function () {
  this.timeout(120_000);
  needs('collector', 'metrics');
  const warnings = saying('spans cannot be exported and are lost');
  const reliefs = saying('spans are exported again');
  let startedAt: number[];
  let warned: number;
  let relieved: number;

  before(async () => {
    warned = warnings.count();
    relieved = reliefs.count();
    startedAt = await startTimes();
    await running('collector').close();
  });

  after(restoreCollector);

  it('orders are served as ever, and lost spans are counted', async () => {
    const before = await lostSpans();
    for (const _ of [1, 2, 3]) {
      const { order, repeats } = await buy();
      expect([order.state, ...repeats]).to.deep.equal([OrderState.CONFIRMED]);
    }
    await becomesTrue(async () => expect(await lostSpans()).to.be.greaterThan(before), 60_000);
  });

  it('nothing else is lost: once it is back, traces arrive without a restart', async () => {
    await running('collector').start();
    await eventually(
      'a trace after the return of the Collector',
      async () => {
        const { traceId } = await buy();
        const look = async () => (await running('jaeger').trace(traceId)) ?? undefined;
        return eventually(`trace ${traceId}`, look, 8000).catch(() => undefined);
      },
      60_000,
    );
    expect(await startTimes()).to.deep.equal(startedAt);
  });

  it('the order service says so once, and once that it is over', async () => {
    expect(warnings.count()).to.equal(warned + 1);
    // The trace that has arrived may have come from the other services first.
    await becomesTrue(async () => expect(reliefs.count()).to.equal(relieved + 1), 60_000);
    expect(warnings.count()).to.equal(warned + 1);
  });
});
