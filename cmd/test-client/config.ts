import { ConfigError, readSettings, type Environment, type Settings } from '../../pkg/config/index.js';
import { telemetryConfig, telemetrySettings, type TelemetryConfig } from '../../pkg/observability/index.js';
import { addressSettings, tlsFiles, tlsFileSettings, type TlsFiles } from '../../pkg/rpc/index.js';
import { certificateOf, tlsDirSetting } from '../dev/services/certificates.js';
import type { Addresses } from '../dev/supervisor/protocol.js';

const telemetry = telemetrySettings('test-client', 0);

const tls = { ...tlsFileSettings, DEV_TLS_DIR: tlsDirSetting };

export const testClientSettings = { ...addressSettings, ...telemetry, ...tls } satisfies Settings;

export interface TestClientConfig {
  /** Addresses of running services; undefined when test-client starts the services. */
  readonly addresses: Addresses | undefined;
  /** Certificate of test-client; undefined when the connections are not encrypted. */
  readonly tls: TlsFiles | undefined;
  readonly telemetry: TelemetryConfig;
}

/** @throws ConfigError, also when only some of the four addresses are set */
export function loadTestClientConfig(env: Environment): TestClientConfig {
  const missing = Object.keys(addressSettings).filter((name) => (env[name] ?? '') === '');
  const all = Object.keys(addressSettings).length;
  if (missing.length > 0 && missing.length < all)
    throw new ConfigError(missing.map((name) => `${name} is required when another service address is set`));
  const configured = missing.length === 0 ? addresses(env) : undefined;
  return {
    addresses: configured,
    tls: configured ? tlsFiles(readSettings(env, tlsFileSettings)) : devCertificate(env),
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

/** Returns the certificate for services that test-client starts. */
function devCertificate(env: Environment): TlsFiles | undefined {
  const { DEV_TLS_DIR } = readSettings(env, tls);
  return DEV_TLS_DIR === '' ? undefined : certificateOf('test-client', DEV_TLS_DIR);
}
