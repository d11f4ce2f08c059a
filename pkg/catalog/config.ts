import { readSettings, type Environment } from '../config/index.js';
import { serviceConfig, serviceSettings, type ServiceConfig } from '../rpc/service-config.js';

export const catalogSettings = serviceSettings('catalog-service', { grpc: 50054, metrics: 9467 });

export type CatalogConfig = ServiceConfig;

/** @throws ConfigError that names every problem */
export function loadCatalogConfig(env: Environment): CatalogConfig {
  return serviceConfig(readSettings(env, catalogSettings));
}
