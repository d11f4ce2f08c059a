import { expect } from 'chai';
import { ConfigError } from '../config/index.js';
import { loadInventoryConfig } from './config.js';

const DATABASE_URL = 'postgres://localhost/inventory';

describe('the configuration of the inventory service', () => {
  it('needs a database and nothing else', () => {
    const config = loadInventoryConfig({ DATABASE_URL });
    expect(config.database.url).to.equal(DATABASE_URL);
    expect(config.server.port).to.equal(50_052);
    expect(config.telemetry.metricsPort).to.equal(9465);
    expect(config).to.deep.include({
      reservationTtlMs: 900_000,
      sweepIntervalMs: 5000,
      watchIntervalMs: 250,
    });
  });

  it('names everything that is wrong with it at once', () => {
    const env = { RESERVATION_TTL: '25h', RESERVATION_SWEEP_INTERVAL: 'soon', STOCK_WATCH_LIMIT: '0' };
    expect(() => loadInventoryConfig(env))
      .to.throw(ConfigError)
      .with.property('problems')
      .that.satisfies((problems: string[]) =>
        ['DATABASE_URL', ...Object.keys(env)].every((name) =>
          problems.some((problem) => problem.startsWith(name)),
        ),
      );
  });
});
