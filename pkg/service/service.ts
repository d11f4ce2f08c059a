import { readSettings, type Environment, type Settings, type Values } from '../config/index.js';
import { batchMetrics, startTelemetry, type Telemetry } from '../observability/index.js';
import {
  assertMigrated,
  DatabaseGauges,
  migrate,
  openDatabase,
  poolMetrics,
  startKeyPurge,
  type Database,
  type MigrationSet,
} from '../postgres/index.js';
import { openTransport, serve, type BoundService, type RunningServer, type Transport } from '../rpc/index.js';
import type { Batching, Scope } from '../runtime/index.js';
import type { Program } from './run.js';
import { serviceConfig, serviceSettings, type DefaultPorts, type ServiceConfig } from './settings.js';

/** A service with a database: its settings, its migrations and its business objects. */
export interface ServiceDefinition<S extends Settings, C> {
  /** Name of the process and of its folder in `cmd`. */
  readonly name: string;
  readonly ports: DefaultPorts;
  /** The settings of the domain, in addition to {@link serviceSettings}. */
  readonly settings: S;
  /** @throws ConfigError when settings contradict each other */
  configure(values: Values<S>): C;
  readonly migrations: MigrationSet;
  /** Whether the database has the table `idempotency_keys`. A background task deletes the old rows of the table. */
  readonly hasIdempotencyKeys: boolean;
  /** Builds the business objects and returns the gRPC handlers. `scope` closes the resources that are added to it. */
  build(resources: ServiceResources<C>, scope: Scope): BoundService | Promise<BoundService>;
}

/** Resources that every service opens at start-up. */
export interface ServiceResources<C> {
  readonly config: ServiceConfig & C;
  readonly telemetry: Telemetry;
  readonly transport: Transport;
  readonly db: Database;
  readonly gauges: DatabaseGauges;
  readonly batching: Batching;
}

/** A service. {@link run} runs the service in a process of its own; tests start the service in the test process. */
export interface Service<C> extends Program<ServiceConfig & C> {
  /** Starts the server. The server runs until `scope` closes. */
  start(config: ServiceConfig & C, scope: Scope): Promise<RunningServer>;
  migrate(config: ServiceConfig): Promise<readonly string[]>;
}

/** Maximum wait for the database in one readiness check. */
const readinessTimeoutMs = 1000;

export function defineService<S extends Settings, C>(definition: ServiceDefinition<S, C>): Service<C> {
  const { name, ports, migrations } = definition;
  const shared = serviceSettings(name, ports);
  const settings = { ...shared, ...definition.settings };
  return {
    settings,
    configure: (env: Environment) => {
      const values = readSettings(env, settings);
      const own = definition.configure(values as Values<S>);
      return { ...own, ...serviceConfig(values as Values<typeof shared>) };
    },
    start: async (config, scope) => {
      const resources = await openResources(definition, config, scope);
      const services = [await definition.build(resources, scope)];
      const { db, telemetry, transport } = resources;
      const readiness = (): Promise<boolean> => db.isReachable(readinessTimeoutMs);
      return scope.use(await serve({ config: config.server, telemetry, transport, services, readiness }));
    },
    migrate: ({ database }) => migrate(database.url, migrations),
  };
}

async function openResources<C>(
  { name, migrations, hasIdempotencyKeys }: Omit<ServiceDefinition<Settings, C>, 'configure'>,
  config: ServiceConfig & C,
  scope: Scope,
): Promise<ServiceResources<C>> {
  const telemetry = scope.use(await startTelemetry(config.telemetry));
  const transport = scope.use(await openTransport({ tls: config.tls, telemetry }));
  const db = scope.use(await openDatabase(config.database, telemetry.logger));
  await assertMigrated(db, migrations, `node dist/cmd/${name}/main.js --migrate`);
  poolMetrics(db, telemetry.metrics.registry);
  const gauges = scope.use(new DatabaseGauges(config.database, telemetry));
  if (hasIdempotencyKeys) scope.use(startKeyPurge(db, telemetry.logger));
  const batching = { maxItems: config.batchMax, onBatch: batchMetrics(telemetry.metrics.registry) };
  return { config, telemetry, transport, db, gauges, batching };
}
