import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { tryCall } from '../../cmd/test-client/context/calls.js';
import { buy } from './orders.js';
import { slowTraceMs } from '../lab/stack/programs.js';
import { callThatFails } from './trouble.js';
import { forTraces, needs, restoreCollector, running } from './running.js';
import { eventually } from './waiting.js';

/** Makes fast calls and returns their trace ids. */
async function fastCalls(count: number): Promise<string[]> {
  const { order } = running('system').context.clients;
  const { order: placed } = await buy();
  const traceIds: string[] = [];
  for (let call = 0; call < count; call += 1) {
    const { traceId, latencyMs } = await tryCall((options) =>
      order.getOrder({ orderId: placed.orderId, customerId: '' }, options),
    );
    if (latencyMs < slowTraceMs) traceIds.push(traceId);
  }
  return traceIds;
}

/** Returns the trace id of a watch that takes longer than {@link slowTraceMs}. */
async function longWatch(): Promise<string> {
  const { inventory } = running('system').context.clients;
  const { value } = await tryCall(() => inventory.listStock({ pageSize: 1, pageToken: '' }));
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

/** Sends a span of the order service to the Collector. */
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
  return eventually(`trace ${traceId} of ${what} in Jaeger`, () => running('jaeger').trace(traceId), 30_000);
}

async function arrived(traceIds: readonly string[]): Promise<string[]> {
  const traces = await Promise.all(traceIds.map((id) => running('jaeger').trace(id)));
  return traces.flatMap((trace) => (trace ? [trace.id] : []));
}

describe('A Collector that samples no ordinary trace', function () {
  this.timeout(120_000);
  needs(...forTraces);

  before(async () => {
    await running('collector').close();
    await running('collector').start({
      COLLECTOR_SAMPLED_PERCENT: '0',
      COLLECTOR_DECISION_WAIT: '15s',
      COLLECTOR_DECISION_WAIT_AFTER_ROOT: '2s',
    });
    await eventually(
      'slow trace in Jaeger',
      async () => {
        const { traceId } = await buy({ paymentMethod: 'pm_slow' });
        return arrives(traceId, 'a slow order').catch(() => undefined);
      },
      60_000,
    );
  });

  after(restoreCollector);

  it('keeps the traces of slow orders and of failed calls, and no others', async () => {
    const fast = await fastCalls(10);
    const watch = await longWatch();
    const slow = await buy({ paymentMethod: 'pm_slow' });
    const failed = await callThatFails();
    // The Collector decides on traces in the order of arrival, so it decides on `fast` and `watch` before `slow` and `failed`.
    await arrives(slow.traceId, 'a slow order');
    await arrives(failed, 'a failed call');
    expect(fast).to.not.have.length(0);
    expect(watch).to.match(/^[0-9a-f]{32}$/);
    expect(await arrived([...fast, watch])).to.deep.equal([]);
  });

  it('waits for the root span of a running call whose first spans have arrived', async () => {
    const traceId = randomBytes(16).toString('hex');
    const [root, child] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
    await send(traceId, { id: child, parent: root, seconds: 0.001 });
    // COLLECTOR_DECISION_WAIT_AFTER_ROOT (2 s) is shorter than this delay, but only a root span may start that wait.
    await delay(6000);
    await send(traceId, { id: root, seconds: 6 });
    await arrives(traceId, 'a call that took six seconds');
    const trace = await running('jaeger').trace(traceId);
    expect(trace?.spans.map(({ id }) => id)).to.have.members([root, child]);
  });
});
