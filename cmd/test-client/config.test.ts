import { expect } from 'chai';
import { ConfigError } from '../../pkg/config/index.js';
import { loadTestClientConfig } from './config.js';

const all = {
  ORDER_SERVICE_ADDR: 'localhost:1',
  INVENTORY_SERVICE_ADDR: 'localhost:2',
  PAYMENT_SERVICE_ADDR: 'localhost:3',
  CATALOG_SERVICE_ADDR: 'dns:///catalog:4',
};

describe('the configuration of test-client', () => {
  it('starts the services when no address is given', () => {
    expect(loadTestClientConfig({}).addresses).to.equal(undefined);
  });

  it('uses running services when all addresses are given', () => {
    expect(loadTestClientConfig(all).addresses).to.deep.equal({
      order: 'localhost:1',
      inventory: 'localhost:2',
      payment: 'localhost:3',
      catalog: 'dns:///catalog:4',
    });
  });

  it('refuses some addresses without the others, and names the missing ones', () => {
    const some = { ...all, PAYMENT_SERVICE_ADDR: '', CATALOG_SERVICE_ADDR: undefined };
    expect(() => loadTestClientConfig(some))
      .to.throw(ConfigError)
      .with.property('problems')
      .that.deep.equals([
        'PAYMENT_SERVICE_ADDR is required when another service address is given',
        'CATALOG_SERVICE_ADDR is required when another service address is given',
      ]);
  });

  it('refuses an address without a port', () => {
    expect(() => loadTestClientConfig({ ...all, ORDER_SERVICE_ADDR: 'localhost' })).to.throw(
      ConfigError,
      'ORDER_SERVICE_ADDR',
    );
  });

  it('shows its own certificate to running services', () => {
    const files = { TLS_CERT_FILE: 'a.crt', TLS_KEY_FILE: 'a.key', TLS_CA_FILE: 'ca.crt' };
    const tls = { cert: 'a.crt', key: 'a.key', ca: 'ca.crt' };
    expect(loadTestClientConfig({ ...all, ...files, DEV_TLS_DIR: '/certs' }).tls).to.deep.equal(tls);
    expect(loadTestClientConfig(files).tls, 'without running services').to.equal(undefined);
  });

  it('has a certificate of the folder among services that it starts', () => {
    expect(loadTestClientConfig({ DEV_TLS_DIR: '/certs' }).tls).to.deep.equal({
      cert: '/certs/test-client/tls.crt',
      key: '/certs/test-client/tls.key',
      ca: '/certs/test-client/ca.crt',
    });
  });
});
