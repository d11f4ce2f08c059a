import { duration, ratio, type Settings, type Values } from '../config/index.js';
import type { RetryTimes } from './background.js';

export const paymentSettings = {
  PAYMENT_FAILURE_RATE: ratio({
    default: '0',
    help: 'Share of `pm_approve*` authorizations that the simulated gateway declines with DO_NOT_HONOR',
  }),
  PAYMENT_SLOW_DELAY: duration({
    default: '1500ms',
    min: '0ms',
    max: '60s',
    help: 'Response time of the simulated gateway for the first authorization with `pm_slow`',
  }),
  PAYMENT_GATEWAY_LATENCY: duration({
    default: '0ms',
    min: '0ms',
    max: '60s',
    help: 'Latency of every call to the simulated gateway',
  }),
  PAYMENT_GATEWAY_TIMEOUT: duration({
    default: '30s',
    min: '100ms',
    max: '60s',
    help: 'Longest call to the gateway. A replica has 1.5 times as long for one pending authorization, refund or void',
  }),
  PAYMENT_INTENT_TIMEOUT: duration({
    default: '2m',
    min: '100ms',
    max: '24h',
    help: 'Time after the last request at which an authorization that the gateway does not know is voided',
  }),
  PAYMENT_ACTION_DELAY: duration({
    default: '2s',
    min: '0ms',
    max: '24h',
    help: 'Time after which the simulated gateway answers pending requests, and its customers act',
  }),
  PAYMENT_ACTION_TIMEOUT: duration({
    default: '10m',
    min: '0ms',
    max: '24h',
    help: 'Time that a customer of the simulated gateway has to act; shorter than RESERVATION_TTL',
  }),
  REFUND_RESOLVE_INTERVAL: duration({
    default: '2s',
    min: '50ms',
    max: '10m',
    help: 'Interval at which pending authorizations, refunds and voids are repeated in the background',
  }),
} satisfies Settings;

export interface PaymentConfig {
  readonly gateway: SimulatedGatewayConfig;
  readonly times: RetryTimes;
}

export interface SimulatedGatewayConfig {
  /** Share of `pm_approve*` authorizations that are declined, from 0 to 1. */
  readonly failureRate: number;
  readonly slowDelayMs: number;
  readonly latencyMs: number;
  /** Delay of the answer to a pending request, and of the action of a customer. */
  readonly actionDelayMs: number;
  /** Time that a customer has to act. */
  readonly actionTimeoutMs: number;
  /** Time after which the gateway forgets an idempotency key. */
  readonly keyLifetimeMs: number;
}

export function paymentConfig(values: Values<typeof paymentSettings>): PaymentConfig {
  return {
    gateway: {
      failureRate: values.PAYMENT_FAILURE_RATE,
      slowDelayMs: values.PAYMENT_SLOW_DELAY,
      latencyMs: values.PAYMENT_GATEWAY_LATENCY,
      actionDelayMs: values.PAYMENT_ACTION_DELAY,
      actionTimeoutMs: values.PAYMENT_ACTION_TIMEOUT,
      keyLifetimeMs: 24 * 60 * 60_000,
    },
    times: {
      retryMs: values.REFUND_RESOLVE_INTERVAL,
      gatewayTimeoutMs: values.PAYMENT_GATEWAY_TIMEOUT,
      leaseMs: 1.5 * values.PAYMENT_GATEWAY_TIMEOUT,
      abandonMs: values.PAYMENT_INTENT_TIMEOUT,
    },
  };
}
