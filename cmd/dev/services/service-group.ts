import path from 'node:path';
import type { Environment } from '../../../pkg/config/index.js';
import type { Disposable } from '../../../pkg/runtime/index.js';
import { tlsVariables } from './certificates.js';
import type { DevConfig, ServicePorts } from '../config.js';
import type { ServiceEndpoint } from '../terminal/endpoints.js';
import type { Addresses, ServiceName } from '../supervisor/protocol.js';
import { nodeArguments, services, type ServiceSpec } from './service-spec.js';
import { SupervisedService, type ServiceEvents } from './supervised-service.js';

const loopback = '127.0.0.1';

export interface ServiceGroupOptions {
  readonly config: DevConfig;
  /** Assigned ports; no port is 0. */
  readonly ports: DevConfig['ports'];
  /** Returns the connection URL of a database, including the password. */
  readonly databaseUrl: (name: string) => string;
  readonly events: ServiceEvents;
}

/** Starts, supervises and stops the processes of all services. */
export class ServiceGroup implements Disposable {
  readonly endpoints: readonly ServiceEndpoint[];
  readonly addresses: Addresses;
  readonly #services: readonly SupervisedService[];

  constructor({ config, ports, databaseUrl, events }: ServiceGroupOptions) {
    this.endpoints = services.map((service) => endpointOf(service, portsOf(service, ports), config));
    this.addresses = Object.fromEntries(
      services.map(({ domain }, index) => [domain, this.endpoints[index]?.grpc]),
    ) as unknown as Addresses;
    this.#services = services.map((service) => {
      const assigned = portsOf(service, ports);
      const spec = {
        args: [...process.execArgv, ...nodeArguments(service)],
        env: {
          ...config.env,
          ...addressVariables(this.addresses),
          ...tlsVariables(service.name, config.tlsDir),
          // Without this variable, all services would inherit the same name from `dev`.
          OTEL_SERVICE_NAME: service.name,
          DATABASE_URL: databaseUrl(service.database),
          GRPC_PORT: String(assigned.grpc),
          METRICS_PORT: String(assigned.metrics),
        },
        logFile: logOf(service, config),
        metricsPort: assigned.metrics,
      };
      return new SupervisedService(service.name, spec, events);
    });
  }

  /**
   * Starts all services at the same time, because each service becomes ready without the others.
   * @throws DevError when a service does not become ready
   */
  async start(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.start()));
  }

  async kill(name: ServiceName): Promise<number> {
    const service = this.#services.find((candidate) => candidate.name === name);
    if (!service) throw new Error(`unknown service ${name}`);
    return service.kill();
  }

  /** Stops the order service first, because its running sagas call the other services. */
  async close(): Promise<void> {
    const [order, ...others] = this.#services;
    await order?.stop();
    await Promise.all(others.map((service) => service.stop()));
  }
}

function portsOf({ name }: ServiceSpec, ports: DevConfig['ports']): ServicePorts {
  const numberOf = (kind: keyof ServicePorts): number =>
    ports.find((port) => port.service === name && port.kind === kind)?.port ?? 0;
  return { grpc: numberOf('grpc'), metrics: numberOf('metrics') };
}

function endpointOf(service: ServiceSpec, ports: ServicePorts, config: DevConfig): ServiceEndpoint {
  // TLS does not allow an IP address as server name (RFC 6066).
  const host = config.tlsDir === undefined ? loopback : 'localhost';
  return {
    name: service.name,
    grpc: `${host}:${ports.grpc}`,
    metrics: `http://${loopback}:${ports.metrics}/metrics`,
    log: logOf(service, config),
  };
}

function logOf({ name }: ServiceSpec, { logDir }: DevConfig): string {
  return path.join(logDir, `${name}.log`);
}

function addressVariables(addresses: Addresses): Environment {
  return Object.fromEntries(
    services.map(({ domain, prefix }) => [`${prefix}_SERVICE_ADDR`, addresses[domain]]),
  );
}
