import { SpanKind } from '@opentelemetry/api';
import { expect } from 'chai';
import { inTrace, spansOf } from '../../pkg/rpc/testing/span-recorder.js';
import { rawCall } from '../../pkg/rpc/testing/raw-call.js';
import { startTestServer, type TestServer } from '../../pkg/rpc/testing/test-server.js';
import { readOpenMetrics, type Sample } from './openmetrics.js';

const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const classicType = 'text/plain; version=0.0.4; charset=utf-8';

/** What Prometheus 2.42 and 3.5 send. */
const prometheus2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('a scrape in the OpenMetrics format', () => {
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
    const samples = readOpenMetrics((await scrape(openMetricsType)).text);
    return samples.filter((sample) => sample.name === `${name}_bucket` && sample.exemplar);
  };

  const say = (): Promise<{ traceId: string }> =>
    inTrace(() => server.client({ telemetry: server.telemetry }).say({ text: 'hi' }));

  it('is given to Prometheus, and to whoever asks for it', async () => {
    for (const accept of [prometheus2, prometheus3, openMetricsType])
      expect(await scrape(accept), accept).to.have.property('type', openMetricsType);
  });

  it('is not given to who does not ask for it, or wants plain text more', async () => {
    const others = [
      undefined,
      '*/*',
      'text/html,application/xhtml+xml,*/*;q=0.8',
      'text/plain',
      'application/openmetrics-text;q=0.4, text/plain;q=0.5',
      'application/openmetrics-text;q=0',
      'application/openmetrics-text;q=x',
    ];
    for (const accept of others) expect(await scrape(accept), accept).to.have.property('type', classicType);
  });

  it('keeps to the rules of the format, with every metric of the classic one', async () => {
    await say();
    const samples = readOpenMetrics((await scrape(openMetricsType)).text);
    const { text } = await scrape('text/plain');
    const classic = text.split('\n').flatMap((line) => /^([a-z_]\w*)[{ ]/.exec(line)?.[1] ?? []);
    expect(new Set(samples.map(({ name }) => name))).to.deep.equal(new Set(classic));
    expect(samples.map(({ name }) => name)).to.include.members([
      'requests_total',
      'process_cpu_seconds_total',
    ]);
  });

  it('leads from a bucket to the span of a call, on either side of it', async () => {
    const { traceId } = await say();
    const spans = await spansOf(traceId, 3);
    for (const [name, kind] of [
      ['request_duration_seconds', SpanKind.SERVER],
      ['client_request_duration_seconds', SpanKind.CLIENT],
    ] as const) {
      const found = (await exemplarsOf(name)).find(
        ({ exemplar }) => exemplar?.labels['trace_id'] === traceId,
      );
      const span = spans.find((one) => one.kind === kind);
      expect(found?.exemplar?.labels, name).to.deep.equal({
        trace_id: traceId,
        span_id: span?.spanContext().spanId,
      });
      expect(Math.abs((found?.exemplar?.timestamp ?? 0) * 1000 - Date.now())).to.be.lessThan(60_000);
    }
  });

  it('does not lead to traces that are not recorded', async () => {
    const traceId = 'aaaa651916cd43dd8448eb211c80319c';
    await rawCall(server.address, { headers: { traceparent: `00-${traceId}-b7ad6b7169203331-00` } });
    await server.logged('call served', { trace_id: traceId });
    expect((await scrape(openMetricsType)).text).not.to.contain(traceId);
  });

  it('is right also while others scrape in the classic format', async () => {
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
