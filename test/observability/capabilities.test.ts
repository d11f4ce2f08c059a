import { expect } from 'chai';
import { lacksOf, type Capability } from './capabilities.js';

const everything = {
  prometheus: { programs: { prometheus: '/bin/prometheus', promtool: '/bin/promtool' } },
  jaeger: { programs: { jaeger: '/bin/jaeger' } },
  otelcol: { programs: { otelcol: '/bin/otelcol' } },
  loki: { programs: { loki: '/bin/loki' } },
};
const missing = { reason: 'no network', remedy: 'a network' };
const elsewhere = {
  ORDER_SERVICE_ADDR: 'a:1',
  INVENTORY_SERVICE_ADDR: 'a:2',
  PAYMENT_SERVICE_ADDR: 'a:3',
  CATALOG_SERVICE_ADDR: 'a:4',
};

function lacking(...of: Parameters<typeof lacksOf>): Capability[] {
  return Object.entries(lacksOf(...of)).flatMap(([name, lack]) => (lack ? [name as Capability] : []));
}

describe('What can be verified', () => {
  it('is everything where every tool is there', () => {
    expect(lacking({}, everything)).to.deep.equal([]);
  });

  it('is without the traces where there is no Jaeger, and says why', () => {
    const inventory = { ...everything, jaeger: missing };
    expect(lacking({}, inventory)).to.have.members(['traces', 'collector']);
    expect(lacksOf({}, inventory).traces).to.equal(missing);
  });

  it('is without traces and logs where there is no Collector', () => {
    const inventory = { ...everything, otelcol: missing };
    expect(lacking({}, inventory)).to.have.members(['traces', 'collector', 'logs']);
  });

  it('is only what services say themselves where no tool was looked for', () => {
    expect(lacking({}, {})).to.have.members(['traces', 'collector', 'metrics', 'logs', 'promtool']);
  });

  it('is with the traces in a Jaeger elsewhere, fed by a Collector elsewhere', () => {
    const env = { JAEGER_URL: 'http://a', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://b' };
    const inventory = { ...everything, jaeger: { programs: {} }, otelcol: { programs: {} } };
    expect(lacking(env, inventory)).to.have.members(['collector', 'logs']);
  });

  it('is without the traces where only one of both is named', () => {
    expect(lacking({ JAEGER_URL: 'http://a' }, everything)).to.include('traces');
  });

  it('is what the stack elsewhere shows of services elsewhere', () => {
    const env = { ...elsewhere, JAEGER_URL: 'http://a', PROMETHEUS_URL: 'http://b' };
    expect(lacking(env, everything)).to.have.members(['logs', 'collector', 'processes']);
  });
});
