import { expect } from 'chai';
import { readSettings } from '../config/index.js';
import { telemetryConfig, telemetrySettings } from './config.js';

const settings = telemetrySettings('order-service', 9464);
const configOf = (env: Record<string, string>) => telemetryConfig(readSettings(env, settings));

describe('telemetryConfig', () => {
  it('takes the service name from OTEL_SERVICE_NAME, then service.name, then the default', () => {
    const OTEL_RESOURCE_ATTRIBUTES = 'service.name=shop%20orders,team=a';
    expect(configOf({}).service).to.equal('order-service');
    expect(configOf({ OTEL_RESOURCE_ATTRIBUTES }).service).to.equal('shop orders');
    expect(configOf({ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME: 'mine' }).service).to.equal('mine');
    expect(configOf({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=%ff' }).service).to.equal('order-service');
  });

  it('parses a list of exporters, drops duplicates and rejects malformed lists', () => {
    const exporters = (list: string) => configOf({ OTEL_TRACES_EXPORTER: list }).exporters;
    expect(exporters('')).to.deep.equal([]);
    expect(exporters('none')).to.deep.equal([]);
    expect(exporters('jaeger')).to.deep.equal(['jaeger']);
    expect(exporters('console, otlp,console')).to.deep.equal(['otlp', 'console']);
    for (const invalid of ['zipkin', 'otlp,', 'otlp;jaeger'])
      expect(() => exporters(invalid), invalid).to.throw('OTEL_TRACES_EXPORTER must be a list of');
  });

  it('ignores the case of names, as the OpenTelemetry specification requires', () => {
    const config = configOf({ OTEL_TRACES_EXPORTER: 'OTLP', OTEL_TRACES_SAMPLER: 'Always_On' });
    expect(config).to.deep.include({ exporters: ['otlp'], sampler: 'always_on' });
  });

  it('prefers the endpoint for traces to the endpoint for all signals', () => {
    const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://all:4317';
    const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = 'https://traces:4317';
    expect(configOf({}).otlpEndpoint).to.equal('http://localhost:4317');
    expect(configOf({ OTEL_EXPORTER_OTLP_ENDPOINT }).otlpEndpoint).to.equal('http://all:4317');
    expect(
      configOf({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT }).otlpEndpoint,
    ).to.equal('https://traces:4317');
  });

  for (const name of [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    'OTEL_EXPORTER_JAEGER_ENDPOINT',
  ])
    it(`rejects a ${name} that is not an HTTP URL`, () => {
      for (const invalid of ['localhost:4317', 'http://', 'udp://localhost:6831'])
        expect(() => configOf({ [name]: invalid }), invalid).to.throw(`${name} must be a URL`);
    });

  it('disables tracing for OTEL_SDK_DISABLED=true in upper, lower and mixed case', () => {
    const disabled = (value: string) => configOf({ OTEL_SDK_DISABLED: value }).tracingDisabled;
    expect(['true', 'TRUE', 'True'].map(disabled)).to.deep.equal([true, true, true]);
    expect(['', 'false', 'FALSE'].map(disabled)).to.deep.equal([false, false, false]);
  });
});
