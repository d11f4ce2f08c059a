import { expect } from 'chai';
import { ConfigError, type Environment } from '../config/index.js';
import { loadPaymentConfig } from './config.js';

const url = { DATABASE_URL: 'postgres://localhost/payment' };

function problemsOf(env: Environment): readonly string[] {
  try {
    loadPaymentConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('the configuration of the payment service', () => {
  it('needs no more than a database', () => {
    const config = loadPaymentConfig(url);
    expect(config.server.port).to.equal(50_053);
    expect(config.telemetry).to.include({ service: 'payment-service', metricsPort: 9466 });
    expect(config.gateway).to.deep.equal({ failureRate: 0, slowDelayMs: 1500, latencyMs: 0 });
    expect(config.resolveIntervalMs).to.equal(2000);
  });

  it('takes a gateway that fails, is slow or far away', () => {
    const { gateway, resolveIntervalMs } = loadPaymentConfig({
      ...url,
      PAYMENT_FAILURE_RATE: '0.25',
      PAYMENT_SLOW_DELAY: '3s',
      PAYMENT_GATEWAY_LATENCY: '40ms',
      REFUND_RESOLVE_INTERVAL: '500ms',
    });
    expect(gateway).to.deep.equal({ failureRate: 0.25, slowDelayMs: 3000, latencyMs: 40 });
    expect(resolveIntervalMs).to.equal(500);
  });

  it('names everything that is wrong with it', () => {
    const problems = problemsOf({
      PAYMENT_FAILURE_RATE: '2',
      PAYMENT_SLOW_DELAY: 'soon',
      PAYMENT_GATEWAY_LATENCY: '-1ms',
      REFUND_RESOLVE_INTERVAL: '1ms',
    });
    expect(problems.map((problem) => problem.split(' ', 1)[0])).to.deep.equal([
      'DATABASE_URL',
      'PAYMENT_FAILURE_RATE',
      'PAYMENT_SLOW_DELAY',
      'PAYMENT_GATEWAY_LATENCY',
      'REFUND_RESOLVE_INTERVAL',
    ]);
  });
});
