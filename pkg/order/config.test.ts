import { expect } from 'chai';
import { ConfigError, readSettings, type Environment } from '../config/index.js';
import { orderConfig, orderSettings } from './config.js';

const configOf = (env: Environment) => orderConfig(readSettings(env, orderSettings));

function problemsOf(env: Environment): readonly string[] {
  try {
    configOf(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const invalidSettingsOf = (env: Environment): (string | undefined)[] =>
  problemsOf(env).map((problem) => problem.split(' ', 1)[0]);

describe('orderConfig', () => {
  it('has defaults for all settings', () => {
    const config = configOf({});
    expect(config.addresses).to.deep.equal({
      inventory: 'localhost:50052',
      payment: 'localhost:50053',
      catalog: 'localhost:50054',
    });
    expect(config).to.include({ maxInFlight: 512, watchPollMs: 250 });
    expect(config.saga).to.deep.include({ stepTimeoutMs: 3000, backoff: { baseMs: 50, capMs: 10_000 } });
    expect(config.recovery).to.deep.equal({ heartbeatMs: 300, heartbeatTimeoutMs: 1200 });
  });

  it('reads its settings from the environment', () => {
    const config = configOf({
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
    expect(config.recovery).to.deep.equal({ heartbeatMs: 100, heartbeatTimeoutMs: 200 });
  });

  it('reports all invalid settings at once', () => {
    const invalid = {
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
    expect(invalidSettingsOf(invalid)).to.deep.equal(Object.keys(invalid));
  });

  it('rejects a heartbeat timeout shorter than two heartbeat intervals', () => {
    const heartbeats = { HEARTBEAT_INTERVAL: '500ms' };
    expect(invalidSettingsOf({ ...heartbeats, HEARTBEAT_TIMEOUT: '999ms' })).to.deep.equal([
      'HEARTBEAT_TIMEOUT',
    ]);
    expect(invalidSettingsOf({ ...heartbeats, HEARTBEAT_TIMEOUT: '1s' })).to.deep.equal([]);
  });
});
