import { expect } from 'chai';
import { exporterNames } from './config.js';
import { spanExporter } from './exporter.js';

const endpoints = {
  otlpEndpoint: 'http://localhost:4317',
  jaegerEndpoint: 'http://localhost:14268/api/traces',
};

describe('the span exporter', () => {
  const classes = {
    console: 'ConsoleSpanExporter',
    otlp: 'ImpatientOtlpExporter',
    jaeger: 'ImpatientJaegerExporter',
  } as const;
  for (const name of exporterNames)
    it(`is the ${classes[name]} for ${name}`, async () => {
      const made = spanExporter(name, endpoints);
      expect(made.constructor.name).to.equal(classes[name]);
      await made.shutdown();
    });
});
