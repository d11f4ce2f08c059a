import { integer, type Settings, type Values } from '../config/index.js';
import { telemetryConfig, telemetrySettings, type TelemetryConfig } from '../observability/index.js';
import { databaseConfig, databaseSettings, type DatabaseConfig } from '../postgres/index.js';
import { serverConfig, serverSettings, tlsFiles, type ServerConfig, type TlsFiles } from '../rpc/index.js';

/** Ports of a service when the port settings are unset. */
export interface DefaultPorts {
  readonly grpc: number;
  readonly metrics: number;
}

/** Settings of every service. */
export function serviceSettings(service: string, { grpc, metrics }: DefaultPorts) {
  return {
    ...telemetrySettings(service, metrics),
    ...serverSettings(grpc),
    ...databaseSettings,
    BATCH_MAX: integer({
      default: '64',
      min: 1,
      max: 64,
      help: 'Maximum number of calls that one batch executes together; 1 executes every call alone',
    }),
  } satisfies Settings;
}

/** Configuration of every service. */
export interface ServiceConfig {
  readonly telemetry: TelemetryConfig;
  readonly server: ServerConfig;
  /** Undefined when mutual TLS is off. */
  readonly tls: TlsFiles | undefined;
  readonly database: DatabaseConfig;
  /** Maximum number of items in one batch. */
  readonly batchMax: number;
}

/** @throws ConfigError when the TLS settings contradict each other */
export function serviceConfig(values: Values<ReturnType<typeof serviceSettings>>): ServiceConfig {
  return {
    telemetry: telemetryConfig(values),
    server: serverConfig(values),
    tls: tlsFiles(values),
    database: databaseConfig(values),
    batchMax: values.BATCH_MAX,
  };
}
