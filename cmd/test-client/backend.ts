import { HealthCheckResponse_ServingStatus, HealthService } from '../../pkg/pb/grpc/health/v1/health.js';
import { createClient } from '../../pkg/rpc/client.js';
import { startDev, type DevHandle } from '../dev/child.js';
import type { Addresses } from '../dev/protocol.js';
import { until } from './waiting.js';

/** The services under test. */
export interface Backend {
  readonly addresses: Addresses;
  /** Set when they were started for this run. */
  readonly dev: DevHandle | undefined;
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
  addresses: Addresses | undefined,
  { signal, onProgress }: BackendOptions,
): Promise<Backend> {
  if (addresses) {
    await Promise.all(Object.entries(addresses).map(([name, at]) => healthy(name, at as string, signal)));
    return { addresses, dev: undefined, close: () => Promise.resolve() };
  }
  const dev = await startDev({ dataDir, logDir, onProgress, signal });
  return { addresses: dev.addresses, dev, close: () => dev.close() };
}

async function healthy(name: string, target: string, signal: AbortSignal): Promise<void> {
  const health = createClient(HealthService, { name, target, timeoutMs: 1000, retry: false });
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
