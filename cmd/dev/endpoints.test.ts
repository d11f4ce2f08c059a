import { expect } from 'chai';
import { addressTable, type Endpoints } from './endpoints.js';

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

describe('the table of addresses', () => {
  it('has one aligned line for each process', () => {
    expect(addressTable(endpoints).split('\n')).to.deep.equal([
      '                 gRPC         metrics                      log',
      'order-service    127.0.0.1:1  http://127.0.0.1:11/metrics  /far/o.log',
      'catalog-service  127.0.0.1:4  http://127.0.0.1:14/metrics  /far/c.log',
      'PostgreSQL  postgres://postgres@127.0.0.1:5/orders',
      '            /far/postgres.log',
    ]);
  });
});
