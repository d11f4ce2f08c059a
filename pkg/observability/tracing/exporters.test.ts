import { expect } from 'chai';
import { exporterNames } from '../config.js';
import { spanExporter } from './exporters.js';

describe('spanExporter', () => {
  const endpoints = {
    otlpEndpoint: 'http://localhost:4317',
    jaegerEndpoint: 'http://localhost:14268/api/traces',
  };
  const classes = {
    console: 'ConsoleSpanExporter',
    otlp: 'AbortableOtlpExporter',
    jaeger: 'AbortableJaegerExporter',
  } as const;
  for (const name of exporterNames)
    it(`creates a ${classes[name]} for ${name}`, async () => {
      const exporter = spanExporter(name, endpoints);
      expect(exporter.constructor.name).to.equal(classes[name]);
      await exporter.shutdown();
    });
});
