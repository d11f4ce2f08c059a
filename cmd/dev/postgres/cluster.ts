import path from 'node:path';
import {
  isClusterRunning,
  startCluster,
  type ClusterOptions,
  type EmbeddedCluster,
} from '../../../pkg/postgres/embedded/index.js';
import { createDatabaseIfMissing, migrate } from '../../../pkg/postgres/index.js';
import { every } from '../../../pkg/runtime/index.js';
import type { DevConfig } from '../config.js';
import { DevError } from '../errors.js';
import { identify, sendSignal } from '../supervisor/process-id.js';
import { assignPorts } from '../services/ports.js';
import { migrationsOf, services } from '../services/service-spec.js';
import type { Endpoints } from '../terminal/endpoints.js';

type OnProgress = NonNullable<ClusterOptions['onProgress']>;

const watchIntervalMs = 1000;

/** A PostgreSQL server that is restarted on the same port when it exits. */
export interface SupervisedCluster {
  /** Returns the connection URL of a database, including the password. */
  readonly url: (database: string) => string;
  /** Process id of the server. */
  readonly pid: number;
  /** Sends a signal to the server, if it runs. A server that exits is restarted. */
  send(signal: NodeJS.Signals): void;
  close(): Promise<void>;
}

/** Starts PostgreSQL, or adopts the server of a killed supervisor. */
export async function superviseCluster(
  config: Pick<DevConfig, 'dataDir' | 'postgresPort'>,
  onProgress: OnProgress,
): Promise<SupervisedCluster> {
  const first = await openCluster(config, onProgress);
  const dataDir = clusterDir(config.dataDir);
  let current = first;
  const watch = every(
    watchIntervalMs,
    async () => {
      if (await isClusterRunning(dataDir)) return;
      onProgress('PostgreSQL exited; restarting it');
      await current.stop();
      current = await startCluster({ dataDir, port: first.port, onProgress });
    },
    (error) => onProgress(`PostgreSQL is not running: ${String(error)}`),
  );
  return {
    url: (database) => first.url(database),
    get pid() {
      return current.pid;
    },
    send: (signal) => {
      const server = identify(current.pid);
      if (server) sendSignal(server, signal);
    },
    close: async () => {
      await watch.close();
      await current.stop();
    },
  };
}

async function openCluster(
  config: Pick<DevConfig, 'dataDir' | 'postgresPort'>,
  onProgress: OnProgress,
): Promise<EmbeddedCluster> {
  const dataDir = clusterDir(config.dataDir);
  const requested = config.postgresPort;
  if (requested.port !== 0 && !(await isClusterRunning(dataDir))) await assignPorts([requested]);
  onProgress('starting PostgreSQL');
  return startCluster({ dataDir, port: requested.port, onProgress }).catch((error: unknown) => {
    throw new DevError(error instanceof Error ? error.message : String(error), { cause: error });
  });
}

/** Stops the PostgreSQL server of a killed supervisor. Returns false when no server is running. */
export async function stopOrphanedCluster(dataDir: string, onProgress: OnProgress): Promise<boolean> {
  const options = { dataDir: clusterDir(dataDir), onProgress };
  if (!(await isClusterRunning(options.dataDir))) return false;
  const cluster = await startCluster(options);
  await cluster.stop();
  return true;
}

/** Creates and migrates the database of each service. */
export async function prepareDatabases(
  cluster: Pick<SupervisedCluster, 'url'>,
  onProgress: OnProgress,
): Promise<void> {
  await Promise.all(
    services.map(async (service) => {
      const url = cluster.url(service.database);
      await createDatabaseIfMissing(url);
      const applied = await migrate(url, migrationsOf(service));
      if (applied.length > 0) onProgress(`database ${service.database}: applied ${applied.join(', ')}`);
    }),
  );
}

/** Returns the log file of PostgreSQL and a connection URL without the password. */
export function postgresEndpoint(cluster: SupervisedCluster, { dataDir }: DevConfig): Endpoints['postgres'] {
  const url = new URL(cluster.url('orders'));
  url.password = '';
  return { url: url.href, log: `${clusterDir(dataDir)}.log` };
}

function clusterDir(dataDir: string): string {
  return path.join(dataDir, 'postgres');
}
