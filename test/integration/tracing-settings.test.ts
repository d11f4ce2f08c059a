import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { waitFor } from '../../pkg/rpc/testing/wait-for.js';
import { jaegerCollector, otlpCollector, type Collector } from './collectors.js';
import { TracingProcess } from './tracing-process.js';

const span = 'grpc.testing.v1.EchoService/Say';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = (flags: '00' | '01') => ({ traceparent: `00-${traceId}-b7ad6b7169203331-${flags}` });

describe('the settings of tracing', () => {
  let otlp: Collector;
  let jaeger: Collector;
  let service: TracingProcess | undefined;

  beforeEach(async () => {
    [otlp, jaeger] = await Promise.all([otlpCollector(), jaegerCollector()]);
  });
  afterEach(async () => {
    await service?.stop();
    await Promise.all([otlp.close(), jaeger.close()]);
  });

  const start = (env: Readonly<Record<string, string>>): TracingProcess => {
    service = new TracingProcess({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlp.port}`,
      OTEL_EXPORTER_JAEGER_ENDPOINT: `http://127.0.0.1:${jaeger.port}/api/traces`,
      ...env,
    });
    return service;
  };
  /** Calls, and stops the process once its spans are where they go. */
  const callOnce = async (
    env: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TracingProcess> => {
    const process = start(env);
    expect((await process.call(headers)).code).to.equal(status.OK);
    expect(await process.stop()).to.equal(0);
    expect(process.errors).to.equal('');
    expect(process.logged('spans were lost at shutdown')).to.deep.equal([]);
    return process;
  };

  it('send spans to every exporter of the list', async () => {
    const process = start({ OTEL_TRACES_EXPORTER: 'otlp,jaeger' });
    await process.call();
    await waitFor(() => otlp.has(span) && jaeger.has(span), 'both collectors to have the span');
  });

  it('say which process a span is from', async () => {
    await callOnce({
      OTEL_SERVICE_NAME: 'name-of-its-own',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=another-name,city=Z%C3%BCrich,host.name=this-one',
    });
    for (const text of ['name-of-its-own', 'Zürich', 'this-one', 'service.instance.id', 'service.version'])
      expect(otlp.has(text), text).to.equal(true);
    expect(otlp.has('another-name')).to.equal(false);
  });

  it('ignore malformed resource attributes, all of them, and say so', async () => {
    const process = await callOnce({ OTEL_RESOURCE_ATTRIBUTES: 'city=Bern,zone' });
    expect(otlp.has(span)).to.equal(true);
    expect(otlp.has('Bern')).to.equal(false);
    const [line] = process.logged('OTEL_RESOURCE_ATTRIBUTES is malformed and ignored');
    expect(line).to.have.nested.property('err.message').that.contains('"zone"');
  });

  const sampling = [
    ['parentbased_always_on', '1', '00', false],
    ['parentbased_always_off', '1', '01', true],
    ['parentbased_traceidratio', '0', '01', true],
    ['always_on', '1', '00', true],
    ['always_off', '1', '01', false],
    ['traceidratio', '0', '01', false],
    ['traceidratio', '1', '00', true],
  ] as const;
  for (const [sampler, ratio, flags, recorded] of sampling)
    it(`${recorded ? 'record' : 'drop'} a call with flags ${flags} by ${sampler} ${ratio}`, async () => {
      const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio };
      await callOnce(env, caller(flags));
      expect(otlp.has(span)).to.equal(recorded);
    });

  it('name the trace in the log and in the header also when it is not recorded', async () => {
    const process = start({ OTEL_TRACES_SAMPLER: 'always_off' });
    const { headers } = await process.call(caller('00'));
    expect(headers['x-trace-id']).to.equal(traceId);
    await waitFor(() => process.logged('call served').length > 0, 'the log line');
    expect(process.logged('call served')[0]).to.include({ trace_id: traceId });
  });

  it('make no trace when the SDK is disabled, but let pass that of the caller', async () => {
    const process = await callOnce({ OTEL_SDK_DISABLED: 'true' }, caller('01'));
    expect(otlp.has(span)).to.equal(false);
    expect(process.logged('call served')[0]).to.include({ trace_id: traceId, span_id: 'b7ad6b7169203331' });
  });
});
