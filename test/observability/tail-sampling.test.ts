import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { attempt } from '../../cmd/test-client/answer.js';
import { buy } from './orders.js';
import { slowTraceMs } from './run-collector.js';
import { callThatFails } from './trouble.js';
import { needs, restoreCollector, running } from './verification.js';
import { eventually } from './waiting.js';

/** Traces of calls that take a few milliseconds. */
async function fastCalls(count: number): Promise<string[]> {
  const { order } = running('system').world.clients;
  const { order: placed } = await buy();
  const traceIds: string[] = [];
  for (let call = 0; call < count; call += 1) {
    const { traceId, latencyMs } = await attempt((options) =>
      order.getOrder({ orderId: placed.orderId, customerId: '' }, options),
    );
    if (latencyMs < slowTraceMs) traceIds.push(traceId);
  }
  return traceIds;
}

/** The trace of a watch that goes on for longer than what counts as slow. */
async function longWatch(): Promise<string> {
  const { inventory } = running('system').world.clients;
  const { value } = await attempt(() => inventory.listStock({ pageSize: 1, pageToken: '' }));
  const skus = (value?.stock ?? []).map(({ sku }) => sku);
  let traceId = '';
  const signal = AbortSignal.timeout(2 * slowTraceMs);
  const watch = inventory.watchStock(
    { skus },
    { signal, onHeaders: (headers) => (traceId = String(headers.get('x-trace-id')[0])) },
  );
  try {
    for await (const _ of watch) continue;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return traceId;
}

/** Sends one span of an order that takes long, as a service would. */
async function send(traceId: string, span: { id: string; parent?: string; seconds: number }): Promise<void> {
  const end = Date.now();
  const nanos = (ms: number): string => `${ms}000000`;
  const body = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'order-service' } }] },
        scopeSpans: [
          {
            spans: [
              {
                traceId,
                spanId: span.id,
                parentSpanId: span.parent ?? '',
                name: 'late',
                kind: 2,
                startTimeUnixNano: nanos(end - span.seconds * 1000),
                endTimeUnixNano: nanos(end),
              },
            ],
          },
        ],
      },
    ],
  };
  const response = await fetch(`${running('collector').httpEndpoint}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  expect(response.status).to.equal(200);
}

function arrives(traceId: string, what: string): Promise<unknown> {
  return eventually(`${what}, ${traceId}, in Jaeger`, () => running('jaeger').trace(traceId), 30_000);
}

async function arrived(traceIds: readonly string[]): Promise<string[]> {
  const traces = await Promise.all(traceIds.map((id) => running('jaeger').trace(id)));
  return traces.flatMap((trace) => (trace ? [trace.id] : []));
}

describe('A Collector that keeps none of the ordinary traces', function () {
  this.timeout(120_000);
  needs('collector', 'processes');

  before(async () => {
    await running('collector').close();
    await running('collector').start({
      COLLECTOR_SAMPLED_PERCENT: '0',
      COLLECTOR_DECISION_WAIT: '15s',
      COLLECTOR_DECISION_WAIT_AFTER_ROOT: '2s',
    });
    // The services notice by themselves that it is back.
    await eventually(
      'slow traces to arrive',
      async () => {
        const { traceId } = await buy({ paymentMethod: 'pm_slow' });
        return arrives(traceId, 'a slow order').catch(() => undefined);
      },
      60_000,
    );
  });

  after(restoreCollector);

  it('keeps those of slow orders and of failed calls, and no others', async () => {
    const fast = await fastCalls(10);
    const watch = await longWatch();
    const slow = await buy({ paymentMethod: 'pm_slow' });
    const failed = await callThatFails();
    // Judged in the order of their arrival: by then the first were too.
    await arrives(slow.traceId, 'a slow order');
    await arrives(failed, 'a failed call');
    expect(fast).to.not.have.length(0);
    expect(watch).to.match(/^[0-9a-f]{32}$/);
    expect(await arrived([...fast, watch])).to.deep.equal([]);
  });

  it('waits for the root of a call that goes on while its first spans have come', async () => {
    const traceId = randomBytes(16).toString('hex');
    const [root, child] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
    await send(traceId, { id: child, parent: root, seconds: 0.001 });
    // Longer than the wait after a root: the verdict must not have been spoken over the child alone.
    await delay(6000);
    await send(traceId, { id: root, seconds: 6 });
    await arrives(traceId, 'a call that took six seconds');
    const trace = await running('jaeger').trace(traceId);
    expect(trace?.spans.map(({ id }) => id)).to.have.members([root, child]);
  });
});
