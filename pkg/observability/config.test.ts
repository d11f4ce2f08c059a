import { expect } from 'chai';
import { readSettings } from '../config/index.js';
import { telemetryConfig, telemetrySettings } from './config.js';

const settings = telemetrySettings('order-service', 9464);
const configOf = (env: Record<string, string>) => telemetryConfig(readSettings(env, settings));

describe('the telemetry settings', () => {
  it('name a process by OTEL_SERVICE_NAME, else by service.name, else by what it is', () => {
    const OTEL_RESOURCE_ATTRIBUTES = 'service.name=shop%20orders,team=a';
    expect(configOf({}).service).to.equal('order-service');
    expect(configOf({ OTEL_RESOURCE_ATTRIBUTES }).service).to.equal('shop orders');
    expect(configOf({ OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME: 'mine' }).service).to.equal('mine');
    expect(configOf({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=%ff' }).service).to.equal('order-service');
  });

  it('take a list of exporters, each once', () => {
    const exporters = (list: string) => configOf({ OTEL_TRACES_EXPORTER: list }).exporters;
    expect(exporters('')).to.deep.equal([]);
    expect(exporters('none')).to.deep.equal([]);
    expect(exporters('jaeger')).to.deep.equal(['jaeger']);
    expect(exporters('console, otlp,console')).to.deep.equal(['otlp', 'console']);
    for (const wrong of ['zipkin', 'otlp,', 'otlp;jaeger'])
      expect(() => exporters(wrong), wrong).to.throw('OTEL_TRACES_EXPORTER must be a list of some of');
  });

  it('take names in any case, as the specification does', () => {
    const config = configOf({ OTEL_TRACES_EXPORTER: 'OTLP', OTEL_TRACES_SAMPLER: 'Always_On' });
    expect(config).to.deep.include({ exporters: ['otlp'], sampler: 'always_on' });
  });

  it('let the endpoint for traces win over that for all signals', () => {
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
    it(`refuse a ${name} that is no URL of a collector`, () => {
      for (const wrong of ['localhost:4317', 'http://', 'udp://localhost:6831'])
        expect(() => configOf({ [name]: wrong }), wrong).to.throw(`${name} must be a URL`);
    });

  it('disable the SDK only by "true", in whatever case', () => {
    const disabled = (value: string) => configOf({ OTEL_SDK_DISABLED: value }).tracingDisabled;
    expect(['true', 'TRUE', 'True'].map(disabled)).to.deep.equal([true, true, true]);
    expect(['', 'false', 'FALSE'].map(disabled)).to.deep.equal([false, false, false]);
  });
});
