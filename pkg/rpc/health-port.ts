import { constants } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Telemetry } from '../observability/telemetry.js';
import { pause } from '../runtime/wait.js';
import type { ServerConfig } from './config.js';
import { listen, watchConnections } from './connections.js';
import type { Health } from './health.js';

/** Longest wait for answers under way at the end, milliseconds. */
const lastAnswersMs = 500;

export interface HealthPortOptions {
  readonly config: Pick<ServerConfig, 'host' | 'maxMetadataBytes' | 'maxConnectionAgeMs'>;
  /** 0 means any free one. */
  readonly port: number;
  readonly health: Pick<Health, 'addTo'>;
  readonly telemetry: Telemetry;
}

export interface HealthPort {
  /** `host:port` to connect to. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Opens a plain port for probes that have no certificate, such as the kubelet's. Nothing but
 * `grpc.health.v1` is served there.
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
  health.addTo(server);
  const sessions = watchConnections(server, { config, telemetry });
  const credentials = ServerCredentials.createInsecure();
  const bound = await listen(server, { host: config.host, port, credentials });
  const address = `${config.host}:${bound}`;
  telemetry.logger.info({ address }, 'serving health to probes, without TLS');
  return {
    address,
    close: async () => {
      const drained = new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve());
      });
      const inTime = new AbortController();
      const cutOff = pause(lastAnswersMs, inTime.signal).then((isLate) => {
        if (isLate) for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
      });
      await drained;
      inTime.abort();
      await cutOff;
    },
  };
}
