import { SpanKind } from '@opentelemetry/api';
import { expect } from 'chai';
import { inTrace, spansOf } from '../../support/rpc/span-recorder.js';
import { rawCall } from '../../support/rpc/raw-call.js';
import { startTestServer, type TestServer } from '../../support/rpc/test-server.js';
import { parseOpenMetrics, type Sample } from '../../support/openmetrics.js';

const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const plainTextType = 'text/plain; version=0.0.4; charset=utf-8';

/** Accept header of Prometheus 2.42. */
const prometheus2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
/** Accept header of Prometheus 3.5. */
const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('OpenMetrics format of /metrics', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
  });
  after(() => server.close());

  const scrape = async (accept?: string) => {
    const response = await fetch(`http://127.0.0.1:${server.telemetry.http.port}/metrics`, {
      headers: accept === undefined ? {} : { accept },
    });
    return { type: response.headers.get('content-type'), text: await response.text() };
  };

  const exemplarsOf = async (name: string): Promise<Sample[]> => {
    const samples = parseOpenMetrics((await scrape(openMetricsType)).text);
    return samples.filter((sample) => sample.name === `${name}_bucket` && sample.exemplar);
  };

  const say = (): Promise<{ traceId: string }> =>
    inTrace(() => server.client({ telemetry: server.telemetry }).say({ text: 'hi' }));

  it('is sent to Prometheus and to other clients that prefer this format', async () => {
    for (const accept of [prometheus2, prometheus3, openMetricsType])
      expect(await scrape(accept), accept).to.have.property('type', openMetricsType);
  });

  it('is not sent to clients that prefer plain text or do not accept OpenMetrics', async () => {
    const plainTextAccepts = [
      undefined,
      '*/*',
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'text/plain',
      'application/openmetrics-text;q=0.4, text/plain;q=0.5',
      'application/openmetrics-text;q=0',
      'application/openmetrics-text;q=x',
    ];
    for (const accept of plainTextAccepts)
      expect(await scrape(accept), accept).to.have.property('type', plainTextType);
  });

  it('is valid and has the same metrics as the Prometheus format', async () => {
    await say();
    const samples = parseOpenMetrics((await scrape(openMetricsType)).text);
    const { text } = await scrape('text/plain');
    const plainTextNames = text.split('\n').flatMap((line) => /^([a-z_]\w*)[{ ]/.exec(line)?.[1] ?? []);
    expect(new Set(samples.map(({ name }) => name))).to.deep.equal(new Set(plainTextNames));
    expect(samples.map(({ name }) => name)).to.include.members([
      'requests_total',
      'process_cpu_seconds_total',
    ]);
  });

  it('has the client span and the server span of a call as exemplars', async () => {
    const { traceId } = await say();
    const spans = await spansOf(traceId, 3);
    for (const [name, kind] of [
      ['request_duration_seconds', SpanKind.SERVER],
      ['client_request_duration_seconds', SpanKind.CLIENT],
    ] as const) {
      const found = (await exemplarsOf(name)).find(
        ({ exemplar }) => exemplar?.labels['trace_id'] === traceId,
      );
      const span = spans.find((candidate) => candidate.kind === kind);
      expect(found?.exemplar?.labels, name).to.deep.equal({
        trace_id: traceId,
        span_id: span?.spanContext().spanId,
      });
      expect(Math.abs((found?.exemplar?.timestamp ?? 0) * 1000 - Date.now())).to.be.lessThan(60_000);
    }
  });

  it('has no exemplars of unsampled traces', async () => {
    const traceId = 'aaaa651916cd43dd8448eb211c80319c';
    await rawCall(server.address, { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-00` } });
    await server.logged('call served', { trace_id: traceId });
    expect((await scrape(openMetricsType)).text).not.to.contain(traceId);
  });

  it('is not mixed with the Prometheus format by concurrent scrapes', async () => {
    await say();
    const accepts = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? openMetricsType : 'text/plain'));
    const scrapes = await Promise.all(accepts.map(scrape));
    for (const { type, text } of scrapes) {
      const samples = text.split('\n').filter((line) => /^requests_total\{.*\} [1-9]/.test(line));
      expect(samples).to.have.length(1);
      expect(text.includes('# EOF')).to.equal(type === openMetricsType);
      expect(text).to.contain(`# TYPE requests${type === openMetricsType ? '' : '_total'} counter\n`);
      expect(text.includes('# {trace_id=')).to.equal(type === openMetricsType);
    }
  });
});
