import { expect } from 'chai';
import { ConfigError, type Environment } from '../pkg/config/index.js';
import type { Service } from '../pkg/service/index.js';
import { catalogService } from './catalog-service/app.js';
import { inventoryService } from './inventory-service/app.js';
import { orderService } from './order-service/app.js';
import { paymentService } from './payment-service/app.js';

const DATABASE_URL = 'postgres://localhost/service';
const heartbeats = { HEARTBEAT_INTERVAL: '1s', HEARTBEAT_TIMEOUT: '1s' };

interface Case {
  readonly service: Pick<Service<object>, 'configure'>;
  readonly port: number;
  readonly metricsPort: number;
}

const services: Readonly<Record<string, Case>> = {
  'order-service': { service: orderService, port: 50_051, metricsPort: 9464 },
  'inventory-service': { service: inventoryService, port: 50_052, metricsPort: 9465 },
  'payment-service': { service: paymentService, port: 50_053, metricsPort: 9466 },
  'catalog-service': { service: catalogService, port: 50_054, metricsPort: 9467 },
};

function problemsOf(service: Case['service'], env: Environment): readonly string[] {
  try {
    service.configure(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

for (const [name, { service, port, metricsPort }] of Object.entries(services))
  describe(`the configuration of ${name}`, () => {
    it('requires only DATABASE_URL', () => {
      const { database, server, telemetry, tls } = service.configure({ DATABASE_URL });
      expect(database.url).to.equal(DATABASE_URL);
      expect(server.port).to.equal(port);
      expect(telemetry).to.include({ service: name, metricsPort });
      expect(tls).to.equal(undefined);
      expect(problemsOf(service, {})[0]).to.match(/^DATABASE_URL is required/);
    });
  });

describe('the configuration of a service', () => {
  it('reports invalid settings of the server and invalid settings of the domain in one error', () => {
    const problems = problemsOf(orderService, { GRPC_PORT: 'x', ORDER_MAX_IN_FLIGHT: '0' });
    const names = problems.map((problem) => problem.split(' ', 1)[0]);
    expect(names).to.deep.equal(['GRPC_PORT', 'DATABASE_URL', 'ORDER_MAX_IN_FLIGHT']);
  });

  it('reports settings that contradict each other', () => {
    const [problem] = problemsOf(orderService, { DATABASE_URL, ...heartbeats });
    expect(problem).to.match(/^HEARTBEAT_TIMEOUT must be at least twice/);
  });
});
