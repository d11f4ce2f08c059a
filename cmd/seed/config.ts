import { readSettings, type Environment } from '../../pkg/config/index.js';
import { addressSettings, tlsFiles, tlsFileSettings, type TlsFiles } from '../../pkg/rpc/index.js';

const { INVENTORY_SERVICE_ADDR, CATALOG_SERVICE_ADDR } = addressSettings;

export const seedSettings = { INVENTORY_SERVICE_ADDR, CATALOG_SERVICE_ADDR, ...tlsFileSettings };

export interface SeedConfig {
  readonly inventory: string;
  readonly catalog: string;
  /** Undefined when the connections are not encrypted. */
  readonly tls: TlsFiles | undefined;
}

/** @throws ConfigError */
export function loadSeedConfig(env: Environment): SeedConfig {
  const values = readSettings(env, seedSettings);
  return {
    inventory: values.INVENTORY_SERVICE_ADDR,
    catalog: values.CATALOG_SERVICE_ADDR,
    tls: tlsFiles(values),
  };
}
