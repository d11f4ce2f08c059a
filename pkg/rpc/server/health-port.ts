import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Telemetry } from '../../observability/index.js';
import type { ServerConfig } from '../config.js';
import { drain, listen, trackConnections } from './connections.js';
import type { Health } from './health.js';

/** Longest wait for health checks in progress at shutdown. */
const drainTimeoutMs = 500;

export interface HealthPortOptions {
  readonly config: Pick<ServerConfig, 'host' | 'maxMetadataBytes' | 'maxConnectionAgeMs'>;
  /** 0 means any free port. */
  readonly port: number;
  readonly health: Pick<Health, 'addTo'>;
  readonly telemetry: Telemetry;
}

export interface HealthPort {
  /** `host:port` for probes. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Opens a port without TLS that serves only `grpc.health.v1`, for probes without a certificate, such as the probes of
 * the kubelet.
 */
export async function openHealthPort(options: HealthPortOptions): Promise<HealthPort> {
  const { config, port, health, telemetry } = options;
  const server = new Server({
    interceptors: telemetry.serverInterceptors(),
    'grpc.max_concurrent_streams': 100,
    'grpc.max_receive_message_length': 4096,
    'grpc.max_connection_age_ms': config.maxConnectionAgeMs,
    'grpc.enable_channelz': 0,
  });
  const sessions = trackConnections(server, { config, telemetry, paths: health.addTo(server) });
  const credentials = ServerCredentials.createInsecure();
  const bound = await listen(server, { host: config.host, port, credentials });
  const address = `${config.host}:${bound}`;
  telemetry.logger.info({ address }, 'serving health checks without TLS');
  return { address, close: () => drain(server, sessions, { timeoutMs: drainTimeoutMs }) };
}
