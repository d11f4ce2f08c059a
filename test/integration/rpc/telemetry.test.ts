import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startTelemetry } from '../../../pkg/observability/index.js';
import { inTrace } from '../../support/rpc/span-recorder.js';
import {
  aTelemetryConfig,
  startTestServer,
  type LogLine,
  type TestServer,
} from '../../support/rpc/test-server.js';
import { waitFor } from '../../support/wait-for.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

describe('the HTTP port for metrics and health', () => {
  let server: TestServer;

  before(async () => {
    server = await startTestServer();
    await server.client({ telemetry: server.telemetry }).say({ text: 'hi' });
    await waitFor(() => server.health.serving, 'ready server');
  });
  after(() => server.close());

  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.telemetry.http.port}${path}`);
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text: await response.text(),
    };
  };

  it('serves metrics in the Prometheus text format', async () => {
    const { status, type, text } = await get('/metrics');
    expect(status).to.equal(200);
    expect(type).to.equal('text/plain; version=0.0.4; charset=utf-8');
    const method = 'method="testing.v1.EchoService/Say"';
    for (const line of [
      `requests_total{service="echo-service",${method},status="OK"} 1`,
      `request_duration_seconds_count{service="echo-service",${method}} 1`,
      `request_duration_seconds_bucket{le="0.005",service="echo-service",${method}}`,
      'active_connections 1',
      `client_requests_total{service="echo-service",target="echo",${method},status="OK"} 1`,
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_heap_size_used_bytes',
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      `process_info{service="echo-service",version="${version}",node_version="${process.versions.node}"} 1`,
    ])
      expect(text).to.contain(line);
    expect(text).to.match(/^# TYPE requests_total counter$/m);
    expect(text).to.match(/^# TYPE request_duration_seconds histogram$/m);
    expect(text).to.match(/^# TYPE active_connections gauge$/m);
    const limit = /^nodejs_heap_size_limit_bytes (\d+)$/m.exec(text)?.[1];
    const used = /^nodejs_heap_size_used_bytes (\d+)$/m.exec(text)?.[1];
    expect(Number(limit)).to.be.greaterThan(Number(used));
  });

  it('reports liveness and readiness', async () => {
    expect(await get('/healthz')).to.include({ status: 200, text: 'ok\n' });
    expect(await get('/readyz?verbose')).to.include({ status: 200, text: 'ready\n' });
  });

  it('responds to other paths with 404', async () => {
    for (const path of ['/', '/metrics/x', '/METRICS', '/../metrics/..'])
      expect(await get(path), path).to.have.property('status', 404);
  });

  it('reports liveness without readiness during shutdown', async () => {
    await server.stop();
    expect(await get('/readyz')).to.include({ status: 503, text: 'not ready\n' });
    expect(await get('/healthz')).to.include({ status: 200 });
  });
});

describe('a log line', () => {
  /** Runs `log` with a new logger and returns the written lines. */
  const logged = async (
    log: (logger: Awaited<ReturnType<typeof startTelemetry>>['logger']) => void,
    config: Parameters<typeof aTelemetryConfig>[0] = {},
  ): Promise<LogLine[]> => {
    const lines: LogLine[] = [];
    const telemetry = await startTelemetry(aTelemetryConfig(config), {
      write: (line) => void lines.push(JSON.parse(line) as LogLine),
    });
    log(telemetry.logger);
    await telemetry.close();
    return lines;
  };

  it('contains level, message, service, caller and an ISO 8601 time', async () => {
    const here = Number(/:(\d+):\d+\)?$/.exec(new Error('here').stack?.split('\n')[1] ?? '')?.[1]);
    const [line] = await logged((logger) => logger.info({ order_id: 'o-1', total_amount: 350n }, 'placed'));
    expect(line).to.include({
      level: 'info',
      msg: 'placed',
      service: 'echo-service',
      order_id: 'o-1',
      total_amount: 350,
      caller: `integration/rpc/telemetry.test.ts:${here + 1}`,
    });
    expect(line?.['ts']).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line).not.to.have.any.keys('trace_id', 'span_id', 'time', 'pid', 'hostname');
  });

  it('contains the trace and span ids inside a span', async () => {
    const { traceId, result } = await inTrace(() => logged((logger) => logger.warn('in a span')));
    expect(result[0]).to.have.property('trace_id', traceId);
    expect(result[0]?.['span_id']).to.match(/^[0-9a-f]{16}$/);
  });

  it('contains the stack and the causes of an error', async () => {
    const err = new Error('outer', { cause: new Error('inner') });
    const [line] = await logged((logger) => logger.error({ err }, 'it failed'));
    expect(line).to.have.nested.property('err.message').that.contains('inner');
    expect(line).to.have.nested.property('err.stack').that.contains('telemetry.test');
  });

  it('redacts payment methods, passwords and authorization, also in nested objects', async () => {
    const secrets = {
      payment_method: 's3cret',
      paymentMethod: 's3cret',
      password: 's3cret',
      authorization: 's3cret',
    };
    const [line] = await logged((logger) =>
      logger.info({ ...secrets, request: { ...secrets, order: secrets } }, 'placed'),
    );
    expect(JSON.stringify(line)).not.to.contain('s3cret');
    expect(line).to.have.property('payment_method', '[redacted]');
  });

  it('is written at the configured level and at higher levels', async () => {
    const logAllLevels = (logger: Awaited<ReturnType<typeof startTelemetry>>['logger']): void => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
    };
    const levels = async (logLevel: 'debug' | 'warn' | 'silent') =>
      (await logged(logAllLevels, { logLevel })).map((line) => line['level']);
    expect(await levels('debug')).to.deep.equal(['debug', 'info', 'warn', 'error']);
    expect(await levels('warn')).to.deep.equal(['warn', 'error']);
    expect(await levels('silent')).to.deep.equal([]);
  });
});
