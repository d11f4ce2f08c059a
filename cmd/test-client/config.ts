import { ConfigError, readSettings, type Environment, type Settings } from '../../pkg/config/index.js';
import { telemetryConfig, telemetrySettings, type TelemetryConfig } from '../../pkg/observability/config.js';
import { addressSettings } from '../../pkg/rpc/config.js';
import { tlsFiles, tlsFileSettings, type TlsFiles } from '../../pkg/rpc/tls-config.js';
import { certificateOf, tlsDirSetting } from '../dev/certificates.js';
import type { Addresses } from '../dev/protocol.js';

const telemetry = telemetrySettings('test-client', 0);

const tls = { ...tlsFileSettings, DEV_TLS_DIR: tlsDirSetting };

export const testClientSettings = { ...addressSettings, ...telemetry, ...tls } satisfies Settings;

export interface TestClientConfig {
  /** Where running services are; undefined: start them. */
  readonly addresses: Addresses | undefined;
  /** Undefined: plain connections. */
  readonly tls: TlsFiles | undefined;
  readonly telemetry: TelemetryConfig;
}

/** @throws ConfigError, also when only some of the four addresses are given */
export function loadTestClientConfig(env: Environment): TestClientConfig {
  const missing = Object.keys(addressSettings).filter((name) => (env[name] ?? '') === '');
  const all = Object.keys(addressSettings).length;
  if (missing.length > 0 && missing.length < all)
    throw new ConfigError(missing.map((name) => `${name} is required when another service address is given`));
  const running = missing.length === 0 ? addresses(env) : undefined;
  return {
    addresses: running,
    tls: running ? tlsFiles(readSettings(env, tlsFileSettings)) : ownCertificate(env),
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

/** Among services that are started for the run. */
function ownCertificate(env: Environment): TlsFiles | undefined {
  const { DEV_TLS_DIR } = readSettings(env, tls);
  return DEV_TLS_DIR === '' ? undefined : certificateOf('test-client', DEV_TLS_DIR);
}
