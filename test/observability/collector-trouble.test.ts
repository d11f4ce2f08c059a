import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { troubleSeries } from './collector-trouble.js';
import { aCollector } from '../lab/stack/programs.js';
import { forTraces, needs } from './running.js';
import { eventuallyPasses } from './waiting.js';

/** A backend that accepts connections and never answers. */
async function unresponsiveBackend(): Promise<{ readonly address: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/**
 * A Collector that retries for one second and whose queues have room for one request. Its batches contain one item, so
 * that a burst of items becomes a burst of requests; otherwise the batch processor would merge the burst into one request.
 */
async function lossyCollector(backend: string) {
  const exporters = ['otlp_grpc/jaeger', 'otlp_http/loki'];
  const settings = [
    'timeout=200ms',
    'retry_on_failure.max_interval=1s',
    'retry_on_failure.max_elapsed_time=1s',
    'sending_queue.num_consumers=1',
    'sending_queue.queue_size=1',
  ];
  const args = exporters.flatMap((name) => settings.map((setting) => `--set=exporters.${name}.${setting}`));
  const batches = ['send_batch_size=1', 'send_batch_max_size=1'].map(
    (limit) => `--set=processors.batch.${limit}`,
  );
  return aCollector({
    name: 'otelcol-in-trouble',
    jaeger: backend,
    loki: `http://${backend}`,
    args: [...args, ...batches],
  });
}

/** Number of traces and of log lines in a burst: more than an exporter sends and queues at the same time. */
const burstSize = 20;

function aSpan(now: string): object {
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'lost',
    kind: 1,
    startTimeUnixNano: now,
    endTimeUnixNano: now,
  };
}

/** Sends a burst of traces and log lines. */
async function sendBurst(endpoint: string): Promise<void> {
  const now = `${Date.now()}000000`;
  const spans = Array.from({ length: burstSize }, () => aSpan(now));
  const logRecords = spans.map(() => ({ timeUnixNano: now, body: { stringValue: 'lost' } }));
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${endpoint}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  await post('/v1/traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] });
  await post('/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
}

describe('A Collector whose backends do not respond', () => {
  needs(...forTraces);

  it('exports every series that alerts and dashboards use to detect lost data', async () => {
    const backend = await unresponsiveBackend();
    const collector = await lossyCollector(backend.address);
    try {
      await collector.start({ COLLECTOR_DECISION_WAIT: '100ms' });
      await eventuallyPasses(async () => {
        await sendBurst(collector.httpEndpoint);
        const shown = await (await fetch(`http://${collector.metrics}/metrics`)).text();
        const missing = troubleSeries.filter((name) => !new RegExp(`^${name}\\{`, 'm').test(shown));
        expect(
          missing,
          `the metrics of the exporters are\n${shown.match(/^otelcol_exporter_\w+/gm)?.join(' ')}`,
        ).to.deep.equal([]);
      }, 45_000);
    } finally {
      await collector.close();
      backend.close();
    }
  });
});
