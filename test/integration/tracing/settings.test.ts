import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { waitFor } from '../../support/wait-for.js';
import { jaegerCollector, otlpCollector, type Collector } from '../../support/collectors.js';
import { TracingProcess } from './process.js';

const span = 'grpc.testing.v1.EchoService/Say';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const callerTrace = (flags: '00' | '01') => ({ traceparent: `00-${traceId}-b7ad6b7169203331-${flags}` });

describe('tracing settings', () => {
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
  /** Makes a call and stops the process, so that its spans are flushed. */
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
    await waitFor(() => otlp.has(span) && jaeger.has(span), 'span in both collectors');
  });

  it('determine the resource attributes, and OTEL_SERVICE_NAME overrides service.name', async () => {
    await callOnce({
      OTEL_SERVICE_NAME: 'name-of-its-own',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=another-name,city=Z%C3%BCrich,host.name=this-one',
    });
    for (const text of ['name-of-its-own', 'Zürich', 'this-one', 'service.instance.id', 'service.version'])
      expect(otlp.has(text), text).to.equal(true);
    expect(otlp.has('another-name')).to.equal(false);
  });

  it('ignore all resource attributes and log a warning when one attribute is malformed', async () => {
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
    it(`${recorded ? 'record' : 'drop'} the span of a call with trace flags ${flags} if the sampler is ${sampler} with ratio ${ratio}`, async () => {
      const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio };
      await callOnce(env, callerTrace(flags));
      expect(otlp.has(span)).to.equal(recorded);
    });

  it('keep the trace id in the log line and the response header of an unsampled call', async () => {
    const process = start({ OTEL_TRACES_SAMPLER: 'always_off' });
    const { headers } = await process.call(callerTrace('00'));
    expect(headers['x-trace-id']).to.equal(traceId);
    await waitFor(() => process.logged('call served').length > 0, 'log line of the call');
    expect(process.logged('call served')[0]).to.include({ trace_id: traceId });
  });

  it('propagate the trace of the caller when the SDK is disabled', async () => {
    const process = await callOnce({ OTEL_SDK_DISABLED: 'true' }, callerTrace('01'));
    expect(otlp.has(span)).to.equal(false);
    expect(process.logged('call served')[0]).to.include({ trace_id: traceId, span_id: 'b7ad6b7169203331' });
  });
});
