import { address, duration, integer, port, text, type Settings, type Values } from '../config/index.js';
import { tlsServerConfig, tlsServerSettings, type AllowedClients } from './tls/config.js';

const limitSettings = {
  GRPC_DEFAULT_DEADLINE: duration({
    default: '30s',
    min: '100ms',
    max: '10m',
    help: 'Deadline of unary calls whose caller sets no deadline',
  }),
  GRPC_MAX_DEADLINE: duration({
    default: '2m',
    min: '1s',
    max: '10m',
    help: 'Longest deadline of unary calls; the server shortens a longer deadline to this value',
  }),
  GRPC_MAX_MESSAGE_BYTES: integer({
    default: '1048576',
    min: 1024,
    max: 16_777_216,
    help: 'Largest request message, in bytes after decompression',
  }),
  GRPC_MAX_METADATA_BYTES: integer({
    default: '16384',
    min: 1024,
    max: 65_536,
    help: 'Largest request metadata, in bytes as defined by RFC 9113',
  }),
  GRPC_MAX_CONCURRENT_CALLS: integer({
    default: '1024',
    min: 1,
    max: 100_000,
    help: 'Maximum number of unary calls in progress, and of streams in progress; further calls are rejected as OVERLOADED',
  }),
  GRPC_MAX_CONNECTION_AGE: duration({
    default: '5m',
    min: '10s',
    max: '24h',
    help: 'Age at which the server closes a connection gracefully, so that the client resolves the name again and the next handshake checks the certificates again',
  }),
} satisfies Settings;

const shutdownSettings = {
  SHUTDOWN_DELAY: duration({
    default: '0ms',
    min: '0ms',
    max: '60s',
    help: 'Time at shutdown during which the server reports NOT_SERVING but still accepts new calls',
  }),
  SHUTDOWN_TIMEOUT: duration({
    default: '10s',
    min: '100ms',
    max: '60s',
    help: 'Longest wait for calls in progress at shutdown',
  }),
} satisfies Settings;

/** @returns the settings of a gRPC server with the given default port */
export function serverSettings(grpcPort: number) {
  return {
    GRPC_HOST: text({
      default: '127.0.0.1',
      help: 'Address of the gRPC server; `0.0.0.0` in a container',
    }),
    GRPC_PORT: port({ default: String(grpcPort), help: 'Port of the gRPC server; 0 means any free port' }),
    HEALTH_GRPC_PORT: port({
      default: '0',
      help: 'Port for gRPC health checks of probes, without TLS; 0 means no port',
    }),
    ...tlsServerSettings,
    ...limitSettings,
    ...shutdownSettings,
  } satisfies Settings;
}

export interface ServerConfig {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** Port for health checks without TLS; 0 means any free port, undefined means no port. */
  readonly healthPort: number | undefined;
  /** An empty map without mutual TLS. */
  readonly allowedClients: AllowedClients;
  readonly defaultDeadlineMs: number;
  readonly maxDeadlineMs: number;
  readonly maxMessageBytes: number;
  readonly maxMetadataBytes: number;
  readonly maxConcurrentCalls: number;
  readonly maxConnectionAgeMs: number;
  readonly shutdownDelayMs: number;
  readonly shutdownTimeoutMs: number;
}

export function serverConfig(values: Values<ReturnType<typeof serverSettings>>): ServerConfig {
  return {
    host: values.GRPC_HOST,
    port: values.GRPC_PORT,
    healthPort: values.HEALTH_GRPC_PORT === 0 ? undefined : values.HEALTH_GRPC_PORT,
    allowedClients: tlsServerConfig(values).allowedClients,
    defaultDeadlineMs: values.GRPC_DEFAULT_DEADLINE,
    maxDeadlineMs: values.GRPC_MAX_DEADLINE,
    maxMessageBytes: values.GRPC_MAX_MESSAGE_BYTES,
    maxMetadataBytes: values.GRPC_MAX_METADATA_BYTES,
    maxConcurrentCalls: values.GRPC_MAX_CONCURRENT_CALLS,
    maxConnectionAgeMs: values.GRPC_MAX_CONNECTION_AGE,
    shutdownDelayMs: values.SHUTDOWN_DELAY,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT,
  };
}

export const addressSettings = {
  ORDER_SERVICE_ADDR: address({ default: 'localhost:50051', help: 'Address of the order service' }),
  INVENTORY_SERVICE_ADDR: address({ default: 'localhost:50052', help: 'Address of the inventory service' }),
  PAYMENT_SERVICE_ADDR: address({ default: 'localhost:50053', help: 'Address of the payment service' }),
  CATALOG_SERVICE_ADDR: address({ default: 'localhost:50054', help: 'Address of the catalog service' }),
} satisfies Settings;
