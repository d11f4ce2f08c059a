import { expect } from 'chai';
import { ConfigError, type Environment } from '../config/index.js';
import { loadOrderConfig } from './config.js';

const url = { DATABASE_URL: 'postgres://localhost/orders' };

function problemsOf(env: Environment): readonly string[] {
  try {
    loadOrderConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const namesOf = (env: Environment): (string | undefined)[] =>
  problemsOf(env).map((problem) => problem.split(' ', 1)[0]);

describe('the configuration of the order service', () => {
  it('needs no more than a database', () => {
    const config = loadOrderConfig(url);
    expect(config.server.port).to.equal(50_051);
    expect(config.telemetry).to.include({ service: 'order-service', metricsPort: 9464 });
    expect(config.addresses).to.deep.equal({
      inventory: 'localhost:50052',
      payment: 'localhost:50053',
      catalog: 'localhost:50054',
    });
    expect(config).to.include({ maxInFlight: 512, watchPollMs: 250 });
    expect(config.saga).to.deep.include({ stepTimeoutMs: 3000, backoff: { baseMs: 50, capMs: 2000 } });
    expect(config.recovery).to.deep.equal({ heartbeatMs: 300, silenceMs: 1200 });
  });

  it('takes what it is told', () => {
    const config = loadOrderConfig({
      ...url,
      INVENTORY_SERVICE_ADDR: 'dns:///inventory:1',
      ORDER_MAX_IN_FLIGHT: '7',
      SAGA_STEP_TIMEOUT: '1s',
      SAGA_RETRY_BASE: '2ms',
      SAGA_RETRY_CAP: '3s',
      HEARTBEAT_INTERVAL: '100ms',
      HEARTBEAT_TIMEOUT: '200ms',
      ORDER_WATCH_INTERVAL: '20ms',
    });
    expect(config.addresses.inventory).to.equal('dns:///inventory:1');
    expect(config).to.include({ maxInFlight: 7, watchPollMs: 20 });
    expect(config.saga).to.deep.include({ stepTimeoutMs: 1000, backoff: { baseMs: 2, capMs: 3000 } });
    expect(config.recovery).to.deep.equal({ heartbeatMs: 100, silenceMs: 200 });
  });

  it('names everything that is wrong with it', () => {
    const wrong = {
      INVENTORY_SERVICE_ADDR: 'nowhere',
      PAYMENT_SERVICE_ADDR: ':',
      CATALOG_SERVICE_ADDR: 'catalog:port',
      ORDER_MAX_IN_FLIGHT: '0',
      SAGA_STEP_TIMEOUT: 'soon',
      SAGA_RETRY_BASE: '-1ms',
      SAGA_RETRY_CAP: '1h',
      HEARTBEAT_INTERVAL: '1ms',
      HEARTBEAT_TIMEOUT: '10',
      ORDER_WATCH_INTERVAL: '0s',
    };
    expect(namesOf(wrong)).to.deep.equal(['DATABASE_URL', ...Object.keys(wrong)]);
  });

  it('gives a replica time for two heartbeats before it counts as silent', () => {
    const heartbeats = { ...url, HEARTBEAT_INTERVAL: '500ms' };
    expect(namesOf({ ...heartbeats, HEARTBEAT_TIMEOUT: '999ms' })).to.deep.equal(['HEARTBEAT_TIMEOUT']);
    expect(namesOf({ ...heartbeats, HEARTBEAT_TIMEOUT: '1s' })).to.deep.equal([]);
  });
});
