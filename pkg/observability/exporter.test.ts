import { expect } from 'chai';
import { spanExporter } from './exporter.js';

const config = { otlpEndpoint: 'http://localhost:4317', jaegerEndpoint: 'http://localhost:14268/api/traces' };

describe('the span exporter', () => {
  it('is none when spans go nowhere', () => {
    expect(spanExporter({ ...config, exporter: 'none' })).to.equal(undefined);
  });

  const exporters = {
    console: 'ConsoleSpanExporter',
    otlp: 'OTLPTraceExporter',
    jaeger: 'JaegerExporter',
  } as const;
  for (const [exporter, name] of Object.entries(exporters))
    it(`is the ${name} for ${exporter}`, async () => {
      const made = spanExporter({ ...config, exporter: exporter as keyof typeof exporters });
      expect(made?.constructor.name).to.equal(name);
      await made?.shutdown();
    });
});
