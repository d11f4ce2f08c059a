import path from 'node:path';
import { expect } from 'chai';
import { loadDevConfig } from './config.js';

const portsOf = (env: Record<string, string>) =>
  loadDevConfig(env).ports.map(({ owner, port }) => `${owner} ${port}`);

describe('loadDevConfig', () => {
  it('uses the documented ports by default', () => {
    expect(portsOf({})).to.deep.equal([
      'order-service gRPC 50051',
      'order-service metrics 9464',
      'inventory-service gRPC 50052',
      'inventory-service metrics 9465',
      'payment-service gRPC 50053',
      'payment-service metrics 9466',
      'catalog-service gRPC 50054',
      'catalog-service metrics 9467',
    ]);
  });

  it('reads ports from the settings', () => {
    const { ports, postgresPort } = loadDevConfig({ PAYMENT_GRPC_PORT: '7001', DEV_POSTGRES_PORT: '5433' });
    expect(ports.find(({ setting }) => setting === 'PAYMENT_GRPC_PORT')?.port).to.equal(7001);
    expect(postgresPort.port).to.equal(5433);
  });

  it('ignores the port settings and selects free ports if DEV_PORTS is `free`', () => {
    const env = { DEV_PORTS: 'free', ORDER_GRPC_PORT: '50051', DEV_POSTGRES_PORT: '5433' };
    const { ports, postgresPort } = loadDevConfig(env);
    expect([...ports, postgresPort].map(({ port }) => port)).to.deep.equal(Array(9).fill(0));
  });

  it('stores data and logs in .data/dev and .logs/dev by default', () => {
    expect(loadDevConfig({})).to.include({
      dataDir: path.resolve('.data/dev'),
      logDir: path.resolve('.logs/dev'),
    });
    expect(loadDevConfig({ DEV_DATA_DIR: '/srv/dev' }).dataDir).to.equal('/srv/dev');
  });
});
