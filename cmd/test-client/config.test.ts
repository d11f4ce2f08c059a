import { expect } from 'chai';
import { ConfigError } from '../../pkg/config/index.js';
import { loadTestClientConfig } from './config.js';

const allAddresses = {
  ORDER_SERVICE_ADDR: 'localhost:1',
  INVENTORY_SERVICE_ADDR: 'localhost:2',
  PAYMENT_SERVICE_ADDR: 'localhost:3',
  CATALOG_SERVICE_ADDR: 'dns:///catalog:4',
};

describe('loadTestClientConfig', () => {
  it('has no addresses when no address is set', () => {
    expect(loadTestClientConfig({}).addresses).to.equal(undefined);
  });

  it('reads the addresses of running services', () => {
    expect(loadTestClientConfig(allAddresses).addresses).to.deep.equal({
      order: 'localhost:1',
      inventory: 'localhost:2',
      payment: 'localhost:3',
      catalog: 'dns:///catalog:4',
    });
  });

  it('rejects an incomplete set of addresses and names each missing address', () => {
    const incomplete = { ...allAddresses, PAYMENT_SERVICE_ADDR: '', CATALOG_SERVICE_ADDR: undefined };
    expect(() => loadTestClientConfig(incomplete))
      .to.throw(ConfigError)
      .with.property('problems')
      .that.deep.equals([
        'PAYMENT_SERVICE_ADDR is required when another service address is set',
        'CATALOG_SERVICE_ADDR is required when another service address is set',
      ]);
  });

  it('rejects an address without a port', () => {
    expect(() => loadTestClientConfig({ ...allAddresses, ORDER_SERVICE_ADDR: 'localhost' })).to.throw(
      ConfigError,
      'ORDER_SERVICE_ADDR',
    );
  });

  it('uses the TLS_*_FILE settings only for running services', () => {
    const files = { TLS_CERT_FILE: 'a.crt', TLS_KEY_FILE: 'a.key', TLS_CA_FILE: 'ca.crt' };
    const tls = { cert: 'a.crt', key: 'a.key', ca: 'ca.crt' };
    expect(loadTestClientConfig({ ...allAddresses, ...files, DEV_TLS_DIR: '/certs' }).tls).to.deep.equal(tls);
    expect(loadTestClientConfig(files).tls, 'without running services').to.equal(undefined);
  });

  it('uses the certificate in DEV_TLS_DIR for services that test-client starts', () => {
    expect(loadTestClientConfig({ DEV_TLS_DIR: '/certs' }).tls).to.deep.equal({
      cert: '/certs/test-client/tls.crt',
      key: '/certs/test-client/tls.key',
      ca: '/certs/test-client/ca.crt',
    });
  });
});
