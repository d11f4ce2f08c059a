import { diag } from '@opentelemetry/api';
import { expect } from 'chai';
import { inTrace } from '../../../test/support/rpc/span-recorder.js';
import { logDiagnostics } from './diagnostics.js';
import { createLogger } from '../logging/logger.js';

describe('OpenTelemetry diagnostics', () => {
  after(() => diag.disable());

  it('are logged at debug, without a trace id even inside a span', async () => {
    const lines: Record<string, unknown>[] = [];
    const config = { service: 'echo-service', logLevel: 'debug', logFormat: 'json' } as const;
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    logDiagnostics(createLogger(config, { write }));
    await inTrace(async () => diag.error('export failed', 'ECONNREFUSED'));
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({
      level: 'debug',
      msg: 'OpenTelemetry diagnostics',
      detail: 'export failed ECONNREFUSED',
    });
    expect(lines[0]).not.to.have.any.keys('trace_id', 'span_id');
  });
});
