import path from 'node:path';
import {
  flag,
  oneOf,
  port,
  readSettings,
  text,
  type Environment,
  type Settings,
} from '../../pkg/config/index.js';
import { tlsDirSetting } from './services/certificates.js';
import type { RequestedPort } from './services/ports.js';
import type { ServiceName } from './supervisor/protocol.js';
import { services } from './services/service-spec.js';

export interface ServicePorts {
  readonly grpc: number;
  readonly metrics: number;
}

export interface DevConfig {
  /** Absolute path. */
  readonly dataDir: string;
  /** Absolute path. */
  readonly logDir: string;
  /** Two ports for each service; 0 means any free port. */
  readonly ports: readonly (RequestedPort & {
    readonly service: ServiceName;
    readonly kind: keyof ServicePorts;
  })[];
  readonly postgresPort: RequestedPort;
  readonly seed: boolean;
  /** Absolute path; undefined when the connections are not encrypted. */
  readonly tlsDir: string | undefined;
  /** Environment of the services; `dev` overrides some variables. */
  readonly env: Environment;
}

const portHelp = (kind: string, service: string): string => `${kind} port of the ${service} under \`dev\``;

export const devSettings = {
  DEV_DATA_DIR: text({ default: '.data/dev', help: 'Folder of the databases and the state file of `dev`' }),
  DEV_LOG_DIR: text({ default: '.logs/dev', help: 'Folder where `dev` writes one log for each process' }),
  DEV_PORTS: oneOf({
    values: ['fixed', 'free'],
    default: 'fixed',
    help: '`free` ignores the port settings below and takes free ports',
  }),
  DEV_POSTGRES_PORT: port({
    default: '0',
    help: 'Port of the PostgreSQL that `dev` runs; 0 means any free port',
  }),
  DEV_SEED: flag({ default: 'true', help: 'Whether `dev` loads the demo products' }),
  DEV_TLS_DIR: tlsDirSetting,
  ORDER_GRPC_PORT: port({ default: '50051', help: portHelp('gRPC', 'order service') }),
  ORDER_METRICS_PORT: port({ default: '9464', help: portHelp('Metrics', 'order service') }),
  INVENTORY_GRPC_PORT: port({ default: '50052', help: portHelp('gRPC', 'inventory service') }),
  INVENTORY_METRICS_PORT: port({ default: '9465', help: portHelp('Metrics', 'inventory service') }),
  PAYMENT_GRPC_PORT: port({ default: '50053', help: portHelp('gRPC', 'payment service') }),
  PAYMENT_METRICS_PORT: port({ default: '9466', help: portHelp('Metrics', 'payment service') }),
  CATALOG_GRPC_PORT: port({ default: '50054', help: portHelp('gRPC', 'catalog service') }),
  CATALOG_METRICS_PORT: port({ default: '9467', help: portHelp('Metrics', 'catalog service') }),
} satisfies Settings;

const kinds = [
  ['grpc', 'GRPC_PORT', 'gRPC'],
  ['metrics', 'METRICS_PORT', 'metrics'],
] as const;

/** @throws ConfigError */
export function loadDevConfig(env: Environment): DevConfig {
  const values = readSettings(env, devSettings);
  const free = values.DEV_PORTS === 'free';
  const ports = services.flatMap(({ name, prefix }) =>
    kinds.map(([kind, suffix, label]) => {
      const setting = `${prefix}_${suffix}` as const;
      return { service: name, kind, setting, owner: `${name} ${label}`, port: free ? 0 : values[setting] };
    }),
  );
  const postgresPort = free ? 0 : values.DEV_POSTGRES_PORT;
  return {
    dataDir: path.resolve(values.DEV_DATA_DIR),
    logDir: path.resolve(values.DEV_LOG_DIR),
    ports,
    postgresPort: { owner: 'PostgreSQL', setting: 'DEV_POSTGRES_PORT', port: postgresPort },
    seed: values.DEV_SEED,
    tlsDir: values.DEV_TLS_DIR === '' ? undefined : path.resolve(values.DEV_TLS_DIR),
    env,
  };
}
