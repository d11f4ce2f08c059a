import { expect } from 'chai';
import { endpointTable, type Endpoints } from './endpoints.js';

const endpoints: Endpoints = {
  addresses: {
    order: '127.0.0.1:1',
    inventory: '127.0.0.1:2',
    payment: '127.0.0.1:3',
    catalog: '127.0.0.1:4',
  },
  services: [
    { name: 'order-service', grpc: '127.0.0.1:1', metrics: 'http://127.0.0.1:11/metrics', log: '/far/o.log' },
    {
      name: 'catalog-service',
      grpc: '127.0.0.1:4',
      metrics: 'http://127.0.0.1:14/metrics',
      log: '/far/c.log',
    },
  ],
  postgres: { url: 'postgres://postgres@127.0.0.1:5/orders', log: '/far/postgres.log' },
};

describe('endpointTable', () => {
  it('shows an aligned line for each service, then PostgreSQL and the total memory', () => {
    const memory = { 'order-service': 100 * 1024 * 1024 };
    expect(endpointTable(endpoints, memory).split('\n')).to.deep.equal([
      '                 gRPC         metrics                      memory   log',
      'order-service    127.0.0.1:1  http://127.0.0.1:11/metrics  100 MiB  /far/o.log',
      'catalog-service  127.0.0.1:4  http://127.0.0.1:14/metrics  -        /far/c.log',
      'PostgreSQL  postgres://postgres@127.0.0.1:5/orders',
      '            /far/postgres.log',
      'memory      100 MiB resident in 2 services, without PostgreSQL',
    ]);
  });
});
