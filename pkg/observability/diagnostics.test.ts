import { diag } from '@opentelemetry/api';
import { expect } from 'chai';
import { inTrace } from '../rpc/testing/span-recorder.js';
import { logDiagnostics } from './diagnostics.js';
import { createLogger } from './logger.js';

describe('what OpenTelemetry says of itself', () => {
  after(() => diag.disable());

  it('is a debug line that names no trace: it is about the spans of many', async () => {
    const lines: Record<string, unknown>[] = [];
    const config = { service: 'echo-service', logLevel: 'debug', logFormat: 'json' } as const;
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    logDiagnostics(createLogger(config, { write }));
    await inTrace(async () => diag.error('export failed', 'ECONNREFUSED'));
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include({
      level: 'debug',
      msg: 'OpenTelemetry reports',
      detail: 'export failed ECONNREFUSED',
    });
    expect(lines[0]).not.to.have.any.keys('trace_id', 'span_id');
  });
});
