import { expect } from 'chai';
import { parseAllowedClients } from '../../pkg/rpc/tls-allowed-clients.js';
import { allowedClients, tlsVariables } from './certificates.js';

describe('the certificates of what dev runs', () => {
  it('let the order service call what its orders need, and test-client everything', () => {
    const allowed = parseAllowedClients(allowedClients);
    expect([...allowed.keys()]).to.deep.equal(['order-service', 'test-client']);
    expect(allowed.get('order-service')).to.include('inventory.v1.InventoryService/ReserveStock');
    expect(allowed.get('order-service')).not.to.include('*');
  });

  it('are each for one service', () => {
    expect(tlsVariables('payment-service', '/certs')).to.include({
      TLS_CERT_FILE: '/certs/payment-service/tls.crt',
      TLS_KEY_FILE: '/certs/payment-service/tls.key',
      TLS_CA_FILE: '/certs/payment-service/ca.crt',
    });
  });

  it('are not those of whoever starts dev', () => {
    expect(Object.values(tlsVariables('payment-service', undefined))).to.deep.equal(['', '', '', '']);
  });
});
