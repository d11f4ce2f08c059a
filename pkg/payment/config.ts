import { duration, ratio, readSettings, type Environment, type Settings } from '../config/index.js';
import { serviceConfig, serviceSettings, type ServiceConfig } from '../rpc/service-config.js';

export const paymentSettings = {
  ...serviceSettings('payment-service', { grpc: 50053, metrics: 9466 }),
  PAYMENT_FAILURE_RATE: ratio({
    default: '0',
    help: 'Share of `pm_approve*` authorizations that the simulated gateway declines with DO_NOT_HONOR',
  }),
  PAYMENT_SLOW_DELAY: duration({
    default: '1500ms',
    min: '0ms',
    max: '60s',
    help: 'Time that the simulated gateway takes to answer the first authorization with `pm_slow`',
  }),
  PAYMENT_GATEWAY_LATENCY: duration({
    default: '0ms',
    min: '0ms',
    max: '60s',
    help: 'Time that every call to the simulated gateway takes',
  }),
  REFUND_RESOLVE_INTERVAL: duration({
    default: '2s',
    min: '50ms',
    max: '10m',
    help: 'Time after which a refund or void that has no answer of the gateway is asked again, in the background',
  }),
} satisfies Settings;

export interface PaymentConfig extends ServiceConfig {
  readonly gateway: SimulatedGatewayConfig;
  readonly resolveIntervalMs: number;
}

export interface SimulatedGatewayConfig {
  /** From 0 to 1. */
  readonly failureRate: number;
  readonly slowDelayMs: number;
  readonly latencyMs: number;
}

/** @throws ConfigError */
export function loadPaymentConfig(env: Environment): PaymentConfig {
  const values = readSettings(env, paymentSettings);
  return {
    ...serviceConfig(values),
    gateway: {
      failureRate: values.PAYMENT_FAILURE_RATE,
      slowDelayMs: values.PAYMENT_SLOW_DELAY,
      latencyMs: values.PAYMENT_GATEWAY_LATENCY,
    },
    resolveIntervalMs: values.REFUND_RESOLVE_INTERVAL,
  };
}
