import { expect } from 'chai';
import { ConfigError, readSettings } from '../config/index.js';
import { inventoryConfig, inventorySettings } from './config.js';

const configOf = (env: Record<string, string>) => inventoryConfig(readSettings(env, inventorySettings));

describe('inventory configuration', () => {
  it('has defaults for all settings', () => {
    expect(configOf({})).to.deep.include({
      reservationTtlMs: 900_000,
      sweepIntervalMs: 5000,
      watchIntervalMs: 250,
    });
  });

  it('reports every invalid setting at once', () => {
    const env = { RESERVATION_TTL: '25h', RESERVATION_SWEEP_INTERVAL: 'soon', STOCK_WATCH_LIMIT: '0' };
    expect(() => configOf(env))
      .to.throw(ConfigError)
      .with.property('problems')
      .that.satisfies((problems: string[]) =>
        Object.keys(env).every((name) => problems.some((problem) => problem.startsWith(name))),
      );
  });
});
