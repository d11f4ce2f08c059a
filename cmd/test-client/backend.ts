import { HealthCheckResponse_ServingStatus, HealthService } from '../../pkg/pb/grpc/health/v1/health.js';
import { createClient, type ClientOptions } from '../../pkg/rpc/client.js';
import { openTransport, type Transport } from '../../pkg/rpc/transport.js';
import { Scope } from '../../pkg/runtime/scope.js';
import { startDev, type DevHandle } from '../dev/child.js';
import type { Addresses } from '../dev/protocol.js';
import type { TestClientConfig } from './config.js';
import { until } from './waiting.js';

/** The services under test. */
export interface Backend {
  readonly addresses: Addresses;
  /** Set when they were started for this run. */
  readonly dev: DevHandle | undefined;
  /** Default: plain. */
  readonly transport?: Transport;
  close(): Promise<void>;
}

export interface BackendOptions {
  readonly signal: AbortSignal;
  onProgress(message: string): void;
}

const dataDir = '.data/test-client';
const logDir = '.logs/test-client';
/** Longest wait for running services to be healthy, milliseconds. */
const healthyWithinMs = 10_000;

/**
 * Uses the services at `addresses`, or starts PostgreSQL and the services.
 * @throws Error that names the service that does not answer
 */
export async function openBackend(
  { addresses, tls }: Pick<TestClientConfig, 'addresses' | 'tls'>,
  { signal, onProgress }: BackendOptions,
): Promise<Backend> {
  const scope = new Scope();
  try {
    if (addresses) {
      const transport = scope.use(await openTransport({ tls }));
      const services = Object.entries(addresses) as [string, string][];
      await Promise.all(services.map(([name, target]) => healthy({ name, target, transport }, signal)));
      return { addresses, dev: undefined, transport, close: () => scope.close() };
    }
    const dev = scope.use(await startDev({ dataDir, logDir, onProgress, signal }));
    const transport = scope.use(await openTransport({ tls }));
    return { addresses: dev.addresses, dev, transport, close: () => scope.close() };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function healthy(
  service: Pick<ClientOptions, 'name' | 'target' | 'transport'>,
  signal: AbortSignal,
): Promise<void> {
  const { name, target } = service;
  const health = createClient(HealthService, { ...service, timeoutMs: 1000, retry: false });
  const serving = async (): Promise<true | undefined> => {
    const answer = await health.check({ service: '' }, { signal }).catch(() => undefined);
    return answer?.status === HealthCheckResponse_ServingStatus.SERVING ? true : undefined;
  };
  try {
    await until(serving, {
      what: `the ${name} service at ${target} to be healthy`,
      timeoutMs: healthyWithinMs,
      signal,
    });
  } finally {
    health.close();
  }
}
