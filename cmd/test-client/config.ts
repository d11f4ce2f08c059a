import { ConfigError, readSettings, type Environment, type Settings } from '../../pkg/config/index.js';
import { telemetryConfig, telemetrySettings, type TelemetryConfig } from '../../pkg/observability/config.js';
import { addressSettings } from '../../pkg/rpc/config.js';
import type { Addresses } from '../dev/protocol.js';

const telemetry = telemetrySettings('test-client', 0);

export const testClientSettings = { ...addressSettings, ...telemetry } satisfies Settings;

export interface TestClientConfig {
  /** Where running services are; undefined: start them. */
  readonly addresses: Addresses | undefined;
  readonly telemetry: TelemetryConfig;
}

/** @throws ConfigError, also when only some of the four addresses are given */
export function loadTestClientConfig(env: Environment): TestClientConfig {
  const missing = Object.keys(addressSettings).filter((name) => (env[name] ?? '') === '');
  const all = Object.keys(addressSettings).length;
  if (missing.length > 0 && missing.length < all)
    throw new ConfigError(missing.map((name) => `${name} is required when another service address is given`));
  return {
    addresses: missing.length === 0 ? addresses(env) : undefined,
    telemetry: telemetryConfig(readSettings(env, telemetry)),
  };
}

function addresses(env: Environment): Addresses {
  const values = readSettings(env, addressSettings);
  return {
    order: values.ORDER_SERVICE_ADDR,
    inventory: values.INVENTORY_SERVICE_ADDR,
    payment: values.PAYMENT_SERVICE_ADDR,
    catalog: values.CATALOG_SERVICE_ADDR,
  };
}
