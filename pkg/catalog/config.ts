import { readSettings, type Environment, type Settings } from '../config/index.js';
import { telemetryConfig, telemetrySettings, type TelemetryConfig } from '../observability/config.js';
import { databaseConfig, databaseSettings } from '../postgres/config.js';
import type { DatabaseConfig } from '../postgres/index.js';
import { serverConfig, serverSettings, type ServerConfig } from '../rpc/config.js';

export const catalogSettings = {
  ...telemetrySettings('catalog-service', 9467),
  ...serverSettings(50054),
  ...databaseSettings,
} satisfies Settings;

export interface CatalogConfig {
  readonly telemetry: TelemetryConfig;
  readonly server: ServerConfig;
  readonly database: DatabaseConfig;
}

/** @throws ConfigError that names every problem */
export function loadCatalogConfig(env: Environment): CatalogConfig {
  const values = readSettings(env, catalogSettings);
  return {
    telemetry: telemetryConfig(values),
    server: serverConfig(values),
    database: databaseConfig(values),
  };
}
