import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { deadPort, jaegerCollector, otlpCollector, silentCollector, type Collector } from './collectors.js';
import { TracingProcess } from './tracing-process.js';

const span = 'grpc.testing.v1.EchoService/Say';
const lost = 'spans cannot be exported and are lost';
const back = 'spans are exported again';
const exported = (errorType: string): string =>
  `otel_sdk_exporter_span_exported_total{error_type="${errorType}"}`;
const processed = (errorType: string): string =>
  `otel_sdk_processor_span_processed_total{error_type="${errorType}"}`;

const backends = {
  otlp: {
    start: otlpCollector,
    env: (port: number) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` }),
  },
  jaeger: {
    start: jaegerCollector,
    env: (port: number) => ({ OTEL_EXPORTER_JAEGER_ENDPOINT: `http://127.0.0.1:${port}/api/traces` }),
  },
};

describe('a dead collector', () => {
  let service: TracingProcess;
  let collector: Collector | undefined;

  afterEach(async () => {
    expect(await service.stop()).to.equal(0);
    expect(service.errors).to.equal('');
    await collector?.close();
    collector = undefined;
  });

  const call = async (): Promise<void> => {
    expect((await service.call()).code).to.equal(status.OK);
  };
  /** Calls, and waits until its span is counted under one more `errorType`. */
  const callUntil = async (errorType: string): Promise<void> => {
    const before = (await service.metric(exported(errorType))) ?? 0;
    await call();
    await waitFor(async () => ((await service.metric(exported(errorType))) ?? 0) > before, 'the count');
  };
  const callUntilArrived = (arrived: Collector): Promise<void> =>
    waitFor(async () => {
      await call();
      return arrived.has(span);
    }, 'a span to arrive');

  for (const [name, { start, env }] of Object.entries(backends))
    it(`costs ${name} nothing but spans, is told of once, and found again`, async () => {
      const port = await deadPort();
      service = new TracingProcess({ OTEL_TRACES_EXPORTER: name, ...env(port) });
      expect(await service.metric(exported('export_failed'))).to.equal(0);
      expect(await service.metric(processed('queue_full'))).to.equal(0);

      for (let batch = 0; batch < 3; batch += 1) await callUntil('export_failed');
      expect(service.logged(lost)).to.have.length(1);
      expect(service.logged(lost)[0]).to.include({ level: 'warn', exporter: name });

      collector = await start(port);
      await callUntilArrived(collector);
      await callUntil('');
      expect(service.logged(back)).to.have.length(1);
      expect(service.logged(back)[0]).to.include({ level: 'info', exporter: name });
      expect(service.logged(lost)).to.have.length(1);
    });

  for (const [name, { env }] of Object.entries(backends))
    it(`that takes connections of ${name} and is silent fills a queue, not memory, and delays no exit`, async () => {
      collector = await silentCollector();
      service = new TracingProcess({
        OTEL_TRACES_EXPORTER: name,
        OTEL_BSP_MAX_QUEUE_SIZE: '4',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2',
        OTEL_BSP_SCHEDULE_DELAY: '600000',
        // Longer than any test: only our own bounds may end this.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_BSP_EXPORT_TIMEOUT: '600000',
        ...env(collector.port),
      });

      for (let n = 0; n < 12; n += 1) await call();
      await waitFor(() => collector?.has('') === true, 'a connection');
      // One batch hangs, and the queue behind it is full.
      expect(await service.metric(processed(''))).to.equal(2);
      expect(await service.metric(processed('queue_full'))).to.equal(6);
    });

  it('is no problem at exit, where what is lost is told of', async () => {
    service = new TracingProcess({
      OTEL_TRACES_EXPORTER: 'otlp,jaeger',
      OTEL_BSP_SCHEDULE_DELAY: '600000',
      ...backends.otlp.env(await deadPort()),
      ...backends.jaeger.env(await deadPort()),
    });
    await call();
    expect(await service.stop()).to.equal(0);
    expect(service.logged('spans were lost at shutdown')).to.have.length(1);
  });
});
