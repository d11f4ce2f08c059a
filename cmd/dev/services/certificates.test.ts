import { expect } from 'chai';
import { parseAllowedClients } from '../../../pkg/rpc/tls/config.js';
import { allowedClients, tlsVariables } from './certificates.js';

describe('TLS settings of the services', () => {
  it('allow test-client to call every method, and the order service to call only some, such as ReserveStock', () => {
    const allowed = parseAllowedClients(allowedClients);
    expect([...allowed.keys()]).to.deep.equal(['order-service', 'test-client']);
    expect(allowed.get('order-service')).to.include('inventory.v1.InventoryService/ReserveStock');
    expect(allowed.get('order-service')).not.to.include('*');
    expect([...(allowed.get('test-client') ?? [])]).to.deep.equal(['*']);
  });

  it('select the certificate files of the service', () => {
    expect(tlsVariables('payment-service', '/certs')).to.include({
      TLS_CERT_FILE: '/certs/payment-service/tls.crt',
      TLS_KEY_FILE: '/certs/payment-service/tls.key',
      TLS_CA_FILE: '/certs/payment-service/ca.crt',
    });
  });

  it('are empty without a certificate folder', () => {
    expect(Object.values(tlsVariables('payment-service', undefined))).to.deep.equal(['', '', '', '']);
  });
});
