import { expect } from 'chai';
import { ConfigError, readSettings, type Environment } from '../config/index.js';
import { paymentConfig, paymentSettings } from './config.js';

const configOf = (env: Environment) => paymentConfig(readSettings(env, paymentSettings));

function problemsOf(env: Environment): readonly string[] {
  try {
    configOf(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('payment configuration', () => {
  it('has defaults for all settings', () => {
    const config = configOf({});
    expect(config.gateway).to.deep.equal({
      failureRate: 0,
      slowDelayMs: 1500,
      latencyMs: 0,
      actionDelayMs: 2000,
      actionTimeoutMs: 600_000,
      keyLifetimeMs: 86_400_000,
    });
    expect(config.times).to.deep.equal({
      retryMs: 2000,
      gatewayTimeoutMs: 30_000,
      leaseMs: 45_000,
      abandonMs: 120_000,
    });
  });

  it('reads the failure rate and all times', () => {
    const { gateway, times } = configOf({
      PAYMENT_FAILURE_RATE: '0.25',
      PAYMENT_SLOW_DELAY: '3s',
      PAYMENT_GATEWAY_LATENCY: '40ms',
      PAYMENT_ACTION_DELAY: '1s',
      PAYMENT_ACTION_TIMEOUT: '2s',
      PAYMENT_GATEWAY_TIMEOUT: '10s',
      PAYMENT_INTENT_TIMEOUT: '1m',
      REFUND_RESOLVE_INTERVAL: '500ms',
    });
    expect(gateway).to.include({ failureRate: 0.25, slowDelayMs: 3000, latencyMs: 40 });
    expect(gateway).to.include({ actionDelayMs: 1000, actionTimeoutMs: 2000 });
    expect(times).to.include({ retryMs: 500, gatewayTimeoutMs: 10_000, abandonMs: 60_000 });
  });

  it('has a lease that is longer than the longest call', () => {
    for (const PAYMENT_GATEWAY_TIMEOUT of ['100ms', '60s']) {
      const { times } = configOf({ PAYMENT_GATEWAY_TIMEOUT });
      expect(times.leaseMs).to.be.greaterThan(times.gatewayTimeoutMs);
    }
  });

  it('names every invalid setting', () => {
    const problems = problemsOf({
      PAYMENT_FAILURE_RATE: '2',
      PAYMENT_SLOW_DELAY: 'soon',
      PAYMENT_GATEWAY_LATENCY: '-1ms',
      REFUND_RESOLVE_INTERVAL: '1ms',
    });
    expect(problems.map((problem) => problem.split(' ', 1)[0])).to.deep.equal([
      'PAYMENT_FAILURE_RATE',
      'PAYMENT_SLOW_DELAY',
      'PAYMENT_GATEWAY_LATENCY',
      'REFUND_RESOLVE_INTERVAL',
    ]);
  });
});
