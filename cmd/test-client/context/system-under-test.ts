import { HealthCheckResponse_ServingStatus, HealthService } from '../../../pkg/pb/grpc/health/v1/health.js';
import { createClient, openTransport, type ClientOptions, type Transport } from '../../../pkg/rpc/index.js';
import { Scope } from '../../../pkg/runtime/index.js';
import { startDev, type Addresses, type DevHandle } from '../../dev/start-dev.js';
import type { TestClientConfig } from '../config.js';
import { poll } from './polling.js';

export interface SystemUnderTest {
  readonly addresses: Addresses;
  /** Control of the services; undefined when the services were not started for this run. */
  readonly dev: DevHandle | undefined;
  /** Transport of the clients. By default, the connections are not encrypted. */
  readonly transport?: Transport;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  onProgress(message: string): void;
}

const dataDir = '.data/test-client';
const logDir = '.logs/test-client';
const healthTimeoutMs = 10_000;

/**
 * Connects to the services at `addresses`, or starts PostgreSQL and the services.
 * @throws Error that names an unhealthy service
 */
export async function openSystemUnderTest(
  { addresses, tls }: Pick<TestClientConfig, 'addresses' | 'tls'>,
  { signal, onProgress }: OpenOptions,
): Promise<SystemUnderTest> {
  const scope = new Scope();
  try {
    if (addresses) {
      const transport = scope.use(await openTransport({ tls }));
      const services = Object.entries(addresses) as [string, string][];
      await Promise.all(services.map(([name, target]) => assertHealthy({ name, target, transport }, signal)));
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

async function assertHealthy(
  service: Pick<ClientOptions, 'name' | 'target' | 'transport'>,
  signal: AbortSignal,
): Promise<void> {
  const { name, target } = service;
  const health = createClient(HealthService, { ...service, timeoutMs: 1000, retry: false });
  const isServing = async (): Promise<true | undefined> => {
    const response = await health.check({ service: '' }, { signal }).catch(() => undefined);
    return response?.status === HealthCheckResponse_ServingStatus.SERVING ? true : undefined;
  };
  try {
    if (!(await poll(isServing, { timeoutMs: healthTimeoutMs, signal })))
      throw new Error(`the ${name} service at ${target} is not healthy after ${healthTimeoutMs / 1000} s`);
  } finally {
    health.close();
  }
}
