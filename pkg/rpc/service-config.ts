import type { Settings, Values } from '../config/index.js';
import { telemetryConfig, telemetrySettings, type TelemetryConfig } from '../observability/config.js';
import { databaseConfig, databaseSettings } from '../postgres/config.js';
import type { DatabaseConfig } from '../postgres/index.js';
import { serverConfig, serverSettings, type ServerConfig } from './config.js';
import { tlsFiles, type TlsFiles } from './tls-config.js';

/** Where a service listens unless told otherwise. */
export interface DefaultPorts {
  readonly grpc: number;
  readonly metrics: number;
}

/** The settings that every service with a server and a database has. */
export function serviceSettings(service: string, { grpc, metrics }: DefaultPorts) {
  return {
    ...telemetrySettings(service, metrics),
    ...serverSettings(grpc),
    ...databaseSettings,
  } satisfies Settings;
}

export interface ServiceConfig {
  readonly telemetry: TelemetryConfig;
  readonly server: ServerConfig;
  /** Undefined: plain connections. */
  readonly tls: TlsFiles | undefined;
  readonly database: DatabaseConfig;
}

export function serviceConfig(values: Values<ReturnType<typeof serviceSettings>>): ServiceConfig {
  return {
    telemetry: telemetryConfig(values),
    server: serverConfig(values),
    tls: tlsFiles(values),
    database: databaseConfig(values),
  };
}
