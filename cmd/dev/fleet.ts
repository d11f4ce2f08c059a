import path from 'node:path';
import type { Environment } from '../../pkg/config/index.js';
import type { Disposable } from '../../pkg/runtime/scope.js';
import { tlsVariables } from './certificates.js';
import type { DevConfig, ServicePorts } from './config.js';
import type { ServiceEndpoint } from './endpoints.js';
import type { Addresses, ServiceName } from './protocol.js';
import { nodeArguments, services, type ServiceSpec } from './services.js';
import { SupervisedService, type ServiceEvents } from './supervised-service.js';

const loopback = '127.0.0.1';

export interface FleetOptions {
  readonly config: DevConfig;
  /** With their numbers assigned. */
  readonly ports: DevConfig['ports'];
  /** Connection URL of a database. */
  readonly databaseUrl: (name: string) => string;
  readonly events: ServiceEvents;
}

/** All services, each on its ports and with its database. */
export class Fleet implements Disposable {
  readonly endpoints: readonly ServiceEndpoint[];
  readonly addresses: Addresses;
  readonly #members: readonly SupervisedService[];

  constructor({ config, ports, databaseUrl, events }: FleetOptions) {
    this.endpoints = services.map((service) => endpointOf(service, portsOf(service, ports), config));
    this.addresses = Object.fromEntries(
      services.map(({ domain }, index) => [domain, this.endpoints[index]?.grpc]),
    ) as unknown as Addresses;
    this.#members = services.map((service) => {
      const own = portsOf(service, ports);
      const plan = {
        args: nodeArguments(service),
        env: {
          ...config.env,
          ...addressVariables(this.addresses),
          ...tlsVariables(service.name, config.tlsDir),
          // One name for all would make them indistinguishable.
          OTEL_SERVICE_NAME: service.name,
          DATABASE_URL: databaseUrl(service.database),
          GRPC_PORT: String(own.grpc),
          METRICS_PORT: String(own.metrics),
        },
        logFile: logOf(service, config),
        metricsPort: own.metrics,
      };
      return new SupervisedService(service.name, plan, events);
    });
  }

  /**
   * Starts all at once: they wait for each other by themselves.
   * @throws DevError of the first that does not come to serve
   */
  async start(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.start()));
  }

  async kill(name: ServiceName): Promise<number> {
    const member = this.#members.find((one) => one.name === name);
    if (!member) throw new Error(`there is no ${name}`);
    return member.kill();
  }

  /** The order service first: what it drives finishes while the others still answer. */
  async close(): Promise<void> {
    const [order, ...others] = this.#members;
    await order?.stop();
    await Promise.all(others.map((member) => member.stop()));
  }
}

function portsOf({ name }: ServiceSpec, ports: DevConfig['ports']): ServicePorts {
  const numberOf = (kind: keyof ServicePorts): number =>
    ports.find((port) => port.service === name && port.kind === kind)?.port ?? 0;
  return { grpc: numberOf('grpc'), metrics: numberOf('metrics') };
}

function endpointOf(service: ServiceSpec, ports: ServicePorts, config: DevConfig): ServiceEndpoint {
  // Certificates are for names; TLS does not allow an address as the name of a server (RFC 6066).
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
