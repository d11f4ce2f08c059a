import { trace } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { inTrace } from '../rpc/testing/span-recorder.js';
import { ObservedExporter } from './observed-exporter.js';
import { spanMetrics } from './span-metrics.js';

type Done = Parameters<SpanExporter['export']>[1];

describe('an exporter that is observed', () => {
  const waiting: Done[] = [];
  const said: string[] = [];
  const spansOfLines: unknown[] = [];
  let isShutDown: boolean;
  let registry: Registry;
  let exporter: ObservedExporter;

  beforeEach(() => {
    waiting.splice(0);
    said.splice(0);
    spansOfLines.splice(0);
    isShutDown = false;
    registry = new Registry();
    const inner: SpanExporter = {
      export: (_spans, done) => void waiting.push(done),
      shutdown: async () => {
        isShutDown = true;
      },
    };
    const log = (_fields: object, message: string): void => {
      said.push(message);
      spansOfLines.push(trace.getActiveSpan());
    };
    const logger = { info: log, warn: log } as never;
    exporter = new ObservedExporter(inner, { name: 'otlp', metrics: spanMetrics(registry), logger });
  });

  const batch = [{}, {}] as ReadableSpan[];
  /** Exports a batch; its result code, once there is one. */
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

  it('counts spans, not batches, by how it went', async () => {
    expect(await exported()).to.deep.equal({ '': 0, export_failed: 0 });
    for (const code of [0, 1, 0]) {
      send();
      waiting.at(-1)?.({ code });
    }
    expect(await exported()).to.deep.equal({ '': 4, export_failed: 2 });
  });

  it('is told of when it begins to fail and when it works again, not in between', () => {
    for (const code of [0, 1, 1, 1, 0, 0, 1]) {
      send();
      waiting.at(-1)?.({ code });
    }
    const [lost, again] = ['spans cannot be exported and are lost', 'spans are exported again'];
    expect(said).to.deep.equal([lost, again, lost]);
  });

  it('is told of outside of whichever trace filled the batch', async () => {
    await inTrace(async () => {
      expect(trace.getActiveSpan()).not.to.equal(undefined);
      for (const code of [1, 0]) {
        send();
        waiting.at(-1)?.({ code });
      }
    });
    expect(spansOfLines).to.deep.equal([undefined, undefined]);
  });

  it('is shut down once the last batch under way has its answer', async () => {
    send();
    const closing = exporter.shutdown();
    await Promise.resolve();
    expect(isShutDown).to.equal(false);
    waiting[0]?.({ code: 0 });
    await closing;
    expect(isShutDown).to.equal(true);
  });

  it('is handed no more spans while eight batches have no answer, and again afterwards', async () => {
    const results = Array.from({ length: 9 }, send);
    expect(waiting).to.have.length(8);
    expect(results.map(({ code }) => code)).to.deep.equal([...Array.from({ length: 8 }), 1]);
    waiting[0]?.({ code: 0 });
    send();
    expect(waiting).to.have.length(9);
    expect(await exported()).to.deep.equal({ '': 2, export_failed: 2 });
  });
});
