import { address, duration, integer, port, text, type Settings, type Values } from '../config/index.js';
import type { AllowedClients } from './tls-allowed-clients.js';
import { tlsServerConfig, tlsServerSettings } from './tls-config.js';

const limitSettings = {
  GRPC_DEFAULT_DEADLINE: duration({
    default: '30s',
    min: '100ms',
    max: '10m',
    help: 'Deadline of a unary call whose caller set none',
  }),
  GRPC_MAX_DEADLINE: duration({
    default: '2m',
    min: '1s',
    max: '10m',
    help: 'Longest deadline of a unary call; longer ones are cut to it',
  }),
  GRPC_MAX_MESSAGE_BYTES: integer({
    default: '1048576',
    min: 1024,
    max: 16_777_216,
    help: 'Largest request message, bytes after decompression',
  }),
  GRPC_MAX_METADATA_BYTES: integer({
    default: '16384',
    min: 1024,
    max: 65_536,
    help: 'Largest request metadata, bytes as RFC 9113 counts them',
  }),
  GRPC_MAX_CONCURRENT_CALLS: integer({
    default: '1024',
    min: 1,
    max: 100_000,
    help: 'Unary calls, and separately streams, served at once; more are refused as OVERLOADED',
  }),
  GRPC_MAX_CONNECTION_AGE: duration({
    default: '5m',
    min: '10s',
    max: '24h',
    help: 'Age at which a connection is asked to reconnect: certificates are checked anew, and clients that look up names seldom find new replicas',
  }),
} satisfies Settings;

const shutdownSettings = {
  SHUTDOWN_DELAY: duration({
    default: '0ms',
    min: '0ms',
    max: '60s',
    help: 'Time between NOT_SERVING, when clients are sent away, and refusing calls',
  }),
  SHUTDOWN_TIMEOUT: duration({
    default: '10s',
    min: '100ms',
    max: '60s',
    help: 'Longest wait for calls under way at shutdown',
  }),
} satisfies Settings;

/** The settings of a gRPC server; `GRPC_PORT` has a default of its own per service. */
export function serverSettings(grpcPort: number) {
  return {
    GRPC_HOST: text({
      default: '127.0.0.1',
      help: 'Address on which the gRPC server listens; `0.0.0.0` in a container',
    }),
    GRPC_PORT: port({ default: String(grpcPort), help: 'Port of the gRPC server; 0 means any free one' }),
    HEALTH_GRPC_PORT: port({
      default: '0',
      help: 'Port that serves gRPC health checks and nothing else, without TLS, for probes; 0 means none',
    }),
    ...tlsServerSettings,
    ...limitSettings,
    ...shutdownSettings,
  } satisfies Settings;
}

export interface ServerConfig {
  readonly host: string;
  /** 0 means any free one. */
  readonly port: number;
  /** Where probes without a certificate may ask for health; 0 means any free one, undefined none. */
  readonly healthPort: number | undefined;
  /** Who may call what with mutual TLS. */
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

/** Where the other services are. */
export const addressSettings = {
  ORDER_SERVICE_ADDR: address({ default: 'localhost:50051', help: 'Address of the order service' }),
  INVENTORY_SERVICE_ADDR: address({ default: 'localhost:50052', help: 'Address of the inventory service' }),
  PAYMENT_SERVICE_ADDR: address({ default: 'localhost:50053', help: 'Address of the payment service' }),
  CATALOG_SERVICE_ADDR: address({ default: 'localhost:50054', help: 'Address of the catalog service' }),
} satisfies Settings;
