import path from 'node:path';
import { assignPorts } from '../../cmd/dev/services/ports.js';
import { ServiceProcess } from '../../cmd/dev/services/service-process.js';
import { compiledArguments, services, type ServiceSpec } from '../../cmd/dev/services/service-spec.js';
import type { Addresses } from '../../cmd/dev/start-dev.js';
import { loadEnvironment, type Environment } from '../../pkg/config/index.js';
import type { Version } from '../../bench/version.js';

const replicaNumbers = [1, 2] as const;
const logDir = '.logs/upgrade';
const readyTimeoutMs = 60_000;
/** The order service may wait SHUTDOWN_TIMEOUT (10 s by default) for its calls, and again for its sagas. */
const stopTimeoutMs = 20_000;

interface Replica {
  readonly service: ServiceSpec;
  readonly number: number;
  readonly grpcPort: number;
  readonly metricsPort: number;
}

/**
 * Runs two replicas of each service on fixed ports. Replica N of the order service calls replica N of the other services,
 * because an address setting accepts no list of addresses. The load uses {@link targets} and calls both replicas.
 */
export class Replicas {
  readonly #replicas: readonly Replica[];
  readonly #databaseUrl: (database: string) => string;
  readonly #processes = new Map<Replica, ServiceProcess>();

  private constructor(ports: readonly number[], databaseUrl: (database: string) => string) {
    this.#replicas = services.flatMap((service, index) =>
      replicaNumbers.map((number) => {
        const [grpcPort = 0, metricsPort = 0] = ports.slice(4 * index + 2 * (number - 1));
        return { service, number, grpcPort, metricsPort };
      }),
    );
    this.#databaseUrl = databaseUrl;
  }

  static async create(databaseUrl: (database: string) => string): Promise<Replicas> {
    const anyPort = { owner: 'replica', setting: '', port: 0 };
    const count = services.length * replicaNumbers.length * 2;
    const ports = await assignPorts(Array.from({ length: count }, () => anyPort));
    return new Replicas(
      ports.map(({ port }) => port),
      databaseUrl,
    );
  }

  /** The gRPC target of each service, with the addresses of both replicas. */
  get targets(): Addresses {
    const targetOf = ({ domain }: ServiceSpec): string => {
      const replicas = this.#replicas.filter(({ service }) => service.domain === domain);
      return `ipv4:${replicas.map(({ grpcPort }) => `127.0.0.1:${grpcPort}`).join(',')}`;
    };
    return Object.fromEntries(
      services.map((service) => [service.domain, targetOf(service)]),
    ) as unknown as Addresses;
  }

  async startAll(version: Version): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => this.#start(replica, version)));
  }

  /** Replaces the processes one at a time: stops a process, starts the new process and waits until the new process is ready. */
  async replaceAll(version: Version, onProgress: (message: string) => void): Promise<void> {
    for (const replica of this.#replicas) {
      const stopped = await this.#processes.get(replica)?.stop(stopTimeoutMs);
      const name = `${replica.service.name} ${replica.number}`;
      if (stopped !== true) throw new Error(`${name} did not stop within ${stopTimeoutMs / 1000} s`);
      await this.#start(replica, version);
      onProgress(`${name} runs ${version.name}`);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.stop(stopTimeoutMs)));
  }

  async #start(replica: Replica, version: Version): Promise<void> {
    const { service, number, metricsPort } = replica;
    const logFile = path.resolve(logDir, `${service.name}-${number}.log`);
    const args = compiledArguments(service, version.root);
    const started = new ServiceProcess({ args, env: this.#environment(replica), logFile, metricsPort });
    this.#processes.set(replica, started);
    if (await started.waitUntilReady(readyTimeoutMs, new AbortController().signal)) return;
    throw new Error(`${service.name} ${number} of ${version.name} is not ready:\n${started.logTail()}`);
  }

  #environment({ service, number, grpcPort, metricsPort }: Replica): Environment {
    const addresses = this.#replicas
      .filter((other) => other.number === number)
      .map((other) => [`${other.service.prefix}_SERVICE_ADDR`, `127.0.0.1:${other.grpcPort}`]);
    return {
      ...loadEnvironment(),
      ...Object.fromEntries(addresses),
      DATABASE_URL: this.#databaseUrl(service.database),
      GRPC_PORT: String(grpcPort),
      METRICS_PORT: String(metricsPort),
    };
  }
}
