import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepareDatabases, superviseCluster, type SupervisedCluster } from '../cmd/dev/postgres/cluster.js';
import { tlsVariables } from '../cmd/dev/services/certificates.js';
import { assignPorts } from '../cmd/dev/services/ports.js';
import { compiledArguments, services, type ServiceSpec } from '../cmd/dev/services/service-spec.js';
import { SupervisedService } from '../cmd/dev/services/supervised-service.js';
import type { Addresses } from '../cmd/dev/start-dev.js';
import { loadEnvironment, type Environment } from '../pkg/config/index.js';
import { createDatabaseIfMissing } from '../pkg/postgres/index.js';
import { pause, type Scope } from '../pkg/runtime/index.js';
import { migrateTo, workingTree, type Version } from './version.js';

export interface SystemOptions {
  /** Name of the directories of data and logs. */
  readonly name: string;
  /** Number of replicas of each service. */
  readonly replicas: Readonly<Record<ServiceSpec['domain'], number>>;
  /** The replicas of a service have the same port on 127.0.0.1, 127.0.0.2, …, so that one name can stand for them. */
  readonly isNamed?: boolean;
  /** The working tree by default. */
  readonly version?: Version;
  readonly onProgress: (message: string) => void;
}

/** Settings of a replica. */
export type SettingsOf = (replica: Replica, system: ReplicatedSystem) => Environment;

/** One replica of a service. The process is restarted on the same ports after every exit. */
export interface Replica {
  /** Such as `order-service-2`. */
  readonly name: string;
  readonly domain: ServiceSpec['domain'];
  readonly database: string;
  /** Number among the replicas of the service, from 1. */
  readonly number: number;
  /** `host:port` of the gRPC server. */
  readonly address: string;
  readonly metricsPort: number;
  readonly isReady: boolean;
  /** Exits of the ready process that no signal of `send` explains. */
  readonly crashes: readonly string[];
  /** Process id, while the process runs. */
  readonly pid: number | undefined;
  /** Sends a signal to the process, if it runs. A process that exits is restarted. */
  send(signal: NodeJS.Signals): void;
}

/**
 * Compiled services with several replicas, and PostgreSQL. The tests and benchmarks of faults kill, pause and restart
 * the replicas. By default, replica N of the order service calls replica N of the other services; the settings that
 * `start` receives can name other addresses.
 */
export class ReplicatedSystem {
  readonly replicas: readonly Replica[];
  readonly postgres: SupervisedCluster;
  readonly #processes: readonly ReplicaProcess[];
  /** Absolute path of the log files. */
  readonly logDir: string;

  private constructor(postgres: SupervisedCluster, processes: readonly ReplicaProcess[], logDir: string) {
    this.postgres = postgres;
    this.replicas = this.#processes = processes;
    this.logDir = logDir;
  }

  /** Starts PostgreSQL with empty databases and assigns ports to the replicas. Closing `scope` stops the system. */
  static async prepare(
    { name, replicas, isNamed = false, version = workingTree(), onProgress }: SystemOptions,
    scope: Scope,
  ): Promise<ReplicatedSystem> {
    // A system never finds the data of an earlier system, which may be outside of `dataDir` when root runs the program.
    const dataDir = await mkdtemp(path.join(tmpdir(), `${name}-`));
    scope.defer(() => rm(dataDir, { recursive: true, force: true }));
    const postgresPort = { owner: 'PostgreSQL', setting: '', port: 0 };
    const postgres = scope.use(await superviseCluster({ dataDir, postgresPort }, onProgress));
    if (version.root === process.cwd()) await prepareDatabases(postgres, onProgress);
    else {
      for (const { database } of services) await createDatabaseIfMissing(postgres.url(database));
      await migrateTo(version, postgres.url);
    }
    const numbered = services.flatMap((service) =>
      Array.from({ length: replicas[service.domain] }, (_, index) => ({ service, number: index + 1 })),
    );
    const anyPort = { owner: 'replica', setting: '', port: 0 };
    const ports = (await assignPorts(Array.from({ length: 2 * numbered.length }, () => anyPort))).map(
      ({ port }) => port,
    );
    const processes = numbered.map(({ service, number }, index) => {
      const first = isNamed ? index + 1 - number : index;
      const grpc = `127.0.0.${isNamed ? number : 1}:${ports[2 * first]}`;
      return new ReplicaProcess(service, {
        number,
        address: grpc,
        metricsPort: ports[2 * index + 1] ?? 0,
        root: version.root,
        onProgress,
      });
    });
    const system = new ReplicatedSystem(postgres, processes, path.resolve('.logs', name));
    scope.use(system);
    return system;
  }

  /** Starts all replicas and waits until they are ready. `settings` has precedence over the default addresses. */
  async start(settings: SettingsOf): Promise<void> {
    await Promise.all(
      this.#processes.map((process) => process.start(this.#launch(process, settings(process, this)))),
    );
  }

  of(domain: ServiceSpec['domain']): readonly Replica[] {
    return this.replicas.filter((replica) => replica.domain === domain);
  }

  /** gRPC targets with the addresses of all replicas. */
  get targets(): Addresses {
    const target = ({ domain }: ServiceSpec): string =>
      `ipv4:${this.of(domain)
        .map(({ address }) => address)
        .join(',')}`;
    return Object.fromEntries(
      services.map((service) => [service.domain, target(service)]),
    ) as unknown as Addresses;
  }

  /** Waits until every replica is ready. Returns false after `timeoutMs`. */
  async allReady(timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    while (!this.#processes.every(({ isReady }) => isReady) && Date.now() < deadline) await pause(100);
    return this.#processes.every(({ isReady }) => isReady);
  }

  async close(): Promise<void> {
    const stop = (isOrder: boolean) =>
      Promise.all(
        this.#processes.filter(({ domain }) => (domain === 'order') === isOrder).map((each) => each.stop()),
      );
    await stop(true);
    await stop(false);
  }

  #launch({ service, root, name, number, address, metricsPort }: ReplicaProcess, settings: Environment) {
    const addresses = services.map(({ domain, prefix }) => {
      const replicas = this.of(domain);
      return [`${prefix}_SERVICE_ADDR`, replicas[(number - 1) % replicas.length]?.address];
    });
    const env = {
      ...loadEnvironment(),
      LOG_LEVEL: 'warn',
      ...Object.fromEntries(addresses),
      ...tlsVariables(service.name, undefined),
      ...settings,
      OTEL_SERVICE_NAME: service.name,
      DATABASE_URL: this.postgres.url(service.database),
      GRPC_HOST: address.split(':')[0] ?? '',
      GRPC_PORT: address.split(':')[1] ?? '',
      METRICS_PORT: String(metricsPort),
    };
    return {
      args: compiledArguments(service, root),
      env,
      logFile: path.join(this.logDir, `${name}.log`),
      metricsPort,
    };
  }
}

interface ReplicaOptions {
  readonly number: number;
  readonly address: string;
  readonly metricsPort: number;
  readonly root: string;
  readonly onProgress: (message: string) => void;
}

class ReplicaProcess implements Replica {
  readonly name: string;
  readonly domain: ServiceSpec['domain'];
  readonly database: string;
  readonly number: number;
  readonly address: string;
  readonly metricsPort: number;
  readonly root: string;
  readonly #onProgress: ReplicaOptions['onProgress'];
  pid: number | undefined;
  #supervised: SupervisedService | undefined;
  isReady = false;
  readonly crashes: string[] = [];
  /** The signal that ends the process. */
  #lastSignal: NodeJS.Signals | undefined;

  constructor(
    readonly service: ServiceSpec,
    { number, address, metricsPort, root, onProgress }: ReplicaOptions,
  ) {
    this.name = `${service.name}-${number}`;
    this.domain = service.domain;
    this.database = service.database;
    this.number = number;
    this.address = address;
    this.metricsPort = metricsPort;
    this.root = root;
    this.#onProgress = onProgress;
    // A paused process does not notice the end of this process.
    process.once('exit', () => this.send('SIGCONT'));
  }

  async start(spec: ConstructorParameters<typeof SupervisedService>[1]): Promise<void> {
    this.#supervised = new SupervisedService(this.service.name, spec, {
      spawned: (_service, pid) => (this.pid = pid),
      exited: (_service, cause) => {
        // A process that is not ready may give up, for example because its database is unreachable.
        if (this.isReady && this.#lastSignal === undefined) this.crashes.push(`${this.name}: ${cause}`);
        this.isReady = false;
        this.#lastSignal = undefined;
        this.pid = undefined;
      },
      restarted: () => (this.isReady = true),
      killed: () => this.#onProgress(`${this.name} did not stop in time and was killed`),
    });
    await this.#supervised.start();
    this.isReady = true;
  }

  send(signal: NodeJS.Signals): void {
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') this.#lastSignal = signal;
    try {
      if (this.pid !== undefined) process.kill(this.pid, signal);
    } catch (error) {
      // The process has just ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async stop(): Promise<void> {
    this.send('SIGCONT');
    await this.#supervised?.stop();
  }
}
