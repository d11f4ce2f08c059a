import path from 'node:path';
import {
  isClusterRunning,
  startCluster,
  type ClusterOptions,
  type EmbeddedCluster,
} from '../../pkg/postgres/embedded/index.js';
import { every } from '../../pkg/runtime/wait.js';
import type { DevConfig } from './config.js';
import { DevError } from './dev-error.js';
import type { Endpoints } from './endpoints.js';
import { assignPorts } from './ports.js';

type OnProgress = NonNullable<ClusterOptions['onProgress']>;

const watchMs = 1000;

/** A PostgreSQL that is started again, on the same port, when it ends by itself. */
export interface KeptCluster {
  /** Connection URL of a database in it. Holds the password. */
  readonly url: (database: string) => string;
  close(): Promise<void>;
}

/** Starts PostgreSQL, or adopts the one that an earlier supervisor left behind, and keeps it running. */
export async function keepCluster(config: DevConfig, onProgress: OnProgress): Promise<KeptCluster> {
  const first = await openCluster(config, onProgress);
  const dataDir = clusterDir(config.dataDir);
  let current = first;
  const watch = every(
    watchMs,
    async () => {
      if (await isClusterRunning(dataDir)) return;
      onProgress('PostgreSQL ended; starting it again');
      await current.stop();
      current = await startCluster({ dataDir, port: first.port, onProgress });
    },
    (error) => onProgress(`PostgreSQL does not run: ${String(error)}`),
  );
  return {
    url: (database) => first.url(database),
    close: async () => {
      await watch.close();
      await current.stop();
    },
  };
}

async function openCluster(config: DevConfig, onProgress: OnProgress): Promise<EmbeddedCluster> {
  const dataDir = clusterDir(config.dataDir);
  const wanted = config.postgresPort;
  if (wanted.port !== 0 && !(await isClusterRunning(dataDir))) await assignPorts([wanted]);
  onProgress('starting PostgreSQL');
  return startCluster({ dataDir, port: wanted.port, onProgress }).catch((error: unknown) => {
    throw new DevError(error instanceof Error ? error.message : String(error), { cause: error });
  });
}

/** Stops a PostgreSQL whose supervisor was killed; false when there is none. */
export async function stopLeftCluster(dataDir: string, onProgress: OnProgress): Promise<boolean> {
  const left = { dataDir: clusterDir(dataDir), onProgress };
  if (!(await isClusterRunning(left.dataDir))) return false;
  const cluster = await startCluster(left);
  await cluster.stop();
  return true;
}

/** Without the password. */
export function postgresEndpoint(cluster: KeptCluster, { dataDir }: DevConfig): Endpoints['postgres'] {
  const url = new URL(cluster.url('orders'));
  url.password = '';
  return { url: url.href, log: `${clusterDir(dataDir)}.log` };
}

function clusterDir(dataDir: string): string {
  return path.join(dataDir, 'postgres');
}
