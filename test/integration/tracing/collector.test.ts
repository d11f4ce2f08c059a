import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { waitFor } from '../../support/wait-for.js';
import {
  freePort,
  jaegerCollector,
  otlpCollector,
  unresponsiveCollector,
  type Collector,
} from '../../support/collectors.js';
import { TracingProcess } from './process.js';

const span = 'grpc.testing.v1.EchoService/Say';
const outage = 'spans cannot be exported and are lost';
const recovery = 'spans are exported again';
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

describe('span export to an unavailable collector', () => {
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
  /** Makes a call and waits until the counter of exported spans with `errorType` rises. */
  const callUntil = async (errorType: string): Promise<void> => {
    const before = (await service.metric(exported(errorType))) ?? 0;
    await call();
    await waitFor(
      async () => ((await service.metric(exported(errorType))) ?? 0) > before,
      `exported span with error type "${errorType}"`,
    );
  };
  const callUntilReceived = (receiver: Collector): Promise<unknown> =>
    waitFor(async () => {
      await call();
      return receiver.has(span);
    }, 'span in the collector');

  for (const [name, { start, env }] of Object.entries(backends))
    it(`logs one warning for an outage of ${name} and continues when the collector is available`, async () => {
      const port = await freePort();
      service = new TracingProcess({ OTEL_TRACES_EXPORTER: name, ...env(port) });
      expect(await service.metric(exported('export_failed'))).to.equal(0);
      expect(await service.metric(processed('queue_full'))).to.equal(0);

      for (let batch = 0; batch < 3; batch += 1) await callUntil('export_failed');
      expect(service.logged(outage)).to.have.length(1);
      expect(service.logged(outage)[0]).to.include({ level: 'warn', exporter: name });

      collector = await start(port);
      await callUntilReceived(collector);
      await callUntil('');
      expect(service.logged(recovery)).to.have.length(1);
      expect(service.logged(recovery)[0]).to.include({ level: 'info', exporter: name });
      expect(service.logged(outage)).to.have.length(1);
    });

  for (const [name, { env }] of Object.entries(backends))
    it(`drops spans when the queue is full because ${name} never responds, and does not delay the exit`, async () => {
      collector = await unresponsiveCollector();
      service = new TracingProcess({
        OTEL_TRACES_EXPORTER: name,
        OTEL_BSP_MAX_QUEUE_SIZE: '4',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2',
        OTEL_BSP_SCHEDULE_DELAY: '600000',
        // These timeouts exceed the duration of the test, so that no export times out before the process exits.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_BSP_EXPORT_TIMEOUT: '600000',
        ...env(collector.port),
      });

      for (let n = 0; n < 12; n += 1) await call();
      await waitFor(() => collector?.has('') === true, 'connection to the collector');
      // Of the 12 spans, 2 are in the pending batch, 4 fill the queue, and 6 are dropped.
      expect(await service.metric(processed(''))).to.equal(2);
      expect(await service.metric(processed('queue_full'))).to.equal(6);
    });

  it('does not prevent the exit of the process, which logs the loss of spans', async () => {
    service = new TracingProcess({
      OTEL_TRACES_EXPORTER: 'otlp,jaeger',
      OTEL_BSP_SCHEDULE_DELAY: '600000',
      ...backends.otlp.env(await freePort()),
      ...backends.jaeger.env(await freePort()),
    });
    await call();
    expect(await service.stop()).to.equal(0);
    expect(service.logged('spans were lost at shutdown')).to.have.length(1);
  });
});
