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
import { tlsDirSetting } from './certificates.js';
import type { WantedPort } from './ports.js';
import type { ServiceName } from './protocol.js';
import { services } from './services.js';

/** Where a service listens. */
export interface ServicePorts {
  readonly grpc: number;
  readonly metrics: number;
}

export interface DevConfig {
  /** Absolute. */
  readonly dataDir: string;
  /** Absolute. */
  readonly logDir: string;
  /** Two for each service; 0 means any free one. */
  readonly ports: readonly (WantedPort & {
    readonly service: ServiceName;
    readonly kind: keyof ServicePorts;
  })[];
  readonly postgresPort: WantedPort;
  readonly seed: boolean;
  /** Absolute; undefined: plain connections. */
  readonly tlsDir: string | undefined;
  /** What the services get, under what `dev` itself decides. */
  readonly env: Environment;
}

const help = (kind: string, service: string): string => `${kind} port of the ${service} under \`dev\``;

export const devSettings = {
  DEV_DATA_DIR: text({ default: '.data/dev', help: 'Where `dev` keeps its databases and its state' }),
  DEV_LOG_DIR: text({ default: '.logs/dev', help: 'Where `dev` writes one log for each process' }),
  DEV_PORTS: oneOf({
    values: ['fixed', 'free'],
    default: 'fixed',
    help: '`free` gives every process any free port, whatever the settings below say',
  }),
  DEV_POSTGRES_PORT: port({
    default: '0',
    help: 'Port of the PostgreSQL that `dev` runs; 0 means any free one',
  }),
  DEV_SEED: flag({ default: 'true', help: 'Whether `dev` loads the demo products' }),
  DEV_TLS_DIR: tlsDirSetting,
  ORDER_GRPC_PORT: port({ default: '50051', help: help('gRPC', 'order service') }),
  ORDER_METRICS_PORT: port({ default: '9464', help: help('Metrics', 'order service') }),
  INVENTORY_GRPC_PORT: port({ default: '50052', help: help('gRPC', 'inventory service') }),
  INVENTORY_METRICS_PORT: port({ default: '9465', help: help('Metrics', 'inventory service') }),
  PAYMENT_GRPC_PORT: port({ default: '50053', help: help('gRPC', 'payment service') }),
  PAYMENT_METRICS_PORT: port({ default: '9466', help: help('Metrics', 'payment service') }),
  CATALOG_GRPC_PORT: port({ default: '50054', help: help('gRPC', 'catalog service') }),
  CATALOG_METRICS_PORT: port({ default: '9467', help: help('Metrics', 'catalog service') }),
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
