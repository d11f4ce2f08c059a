import { trace } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { inTrace } from '../../../test/support/rpc/span-recorder.js';
import { ObservedExporter, spanMetrics } from './observed-exporter.js';

type Done = Parameters<SpanExporter['export']>[1];

describe('ObservedExporter', () => {
  const pending: Done[] = [];
  const messages: string[] = [];
  const activeSpans: unknown[] = [];
  let isShutDown: boolean;
  let registry: Registry;
  let exporter: ObservedExporter;

  beforeEach(() => {
    pending.splice(0);
    messages.splice(0);
    activeSpans.splice(0);
    isShutDown = false;
    registry = new Registry();
    const inner: SpanExporter = {
      export: (_spans, done) => void pending.push(done),
      shutdown: async () => {
        isShutDown = true;
      },
    };
    const log = (_fields: object, message: string): void => {
      messages.push(message);
      activeSpans.push(trace.getActiveSpan());
    };
    const logger = { info: log, warn: log } as never;
    exporter = new ObservedExporter(inner, { name: 'otlp', metrics: spanMetrics(registry), logger });
  });

  const batch = [{}, {}] as ReadableSpan[];
  /** Exports a batch. The returned object receives the result code at the end of the export. */
  const send = (): { code?: number } => {
    const result: { code?: number } = {};
    exporter.export(batch, ({ code }) => Object.assign(result, { code }));
    return result;
  };
  const exported = async (): Promise<Record<string, number>> => {
    const families = (await registry.getMetricsAsJSON()) as unknown as {
      name: string;
      values: { value: number; labels: { error_type: string } }[];
    }[];
    const { values = [] } = families.find(({ name }) => name.endsWith('_exported_total')) ?? {};
    return Object.fromEntries(values.map(({ value, labels }) => [labels.error_type, value]));
  };

  it('counts spans, not batches, by result', async () => {
    expect(await exported()).to.deep.equal({ '': 0, export_failed: 0 });
    for (const code of [0, 1, 0]) {
      send();
      pending.at(-1)?.({ code });
    }
    expect(await exported()).to.deep.equal({ '': 4, export_failed: 2 });
  });

  it('logs the first failure of an outage and the recovery', () => {
    for (const code of [0, 1, 1, 1, 0, 0, 1]) {
      send();
      pending.at(-1)?.({ code });
    }
    const [lost, recovered] = ['spans cannot be exported and are lost', 'spans are exported again'];
    expect(messages).to.deep.equal([lost, recovered, lost]);
  });

  it('logs without an active span, even if the export starts inside a span', async () => {
    await inTrace(async () => {
      expect(trace.getActiveSpan()).not.to.equal(undefined);
      for (const code of [1, 0]) {
        send();
        pending.at(-1)?.({ code });
      }
    });
    expect(activeSpans).to.deep.equal([undefined, undefined]);
  });

  it('waits for pending batches before shutdown', async () => {
    send();
    const closing = exporter.shutdown();
    await Promise.resolve();
    expect(isShutDown).to.equal(false);
    pending[0]?.({ code: 0 });
    await closing;
    expect(isShutDown).to.equal(true);
  });

  it('rejects spans while eight batches are pending', async () => {
    const results = Array.from({ length: 9 }, send);
    expect(pending).to.have.length(8);
    expect(results.map(({ code }) => code)).to.deep.equal([...Array.from({ length: 8 }), 1]);
    pending[0]?.({ code: 0 });
    send();
    expect(pending).to.have.length(9);
    expect(await exported()).to.deep.equal({ '': 2, export_failed: 2 });
  });
});
