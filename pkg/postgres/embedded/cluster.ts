import path from 'node:path';
import { pause } from '../../runtime/index.js';
import { findBinaries } from './binaries.js';
import { prepareData, superuser } from './data-directory.js';
import { locateData, ownerOf, prepareLocation } from './data-location.js';
import { findPostmaster, pollUntil, stopPostmaster } from './postmaster.js';
import { startServer } from './start-server.js';
import { serverUser } from './system-user.js';
import { UsageLock } from './usage-lock.js';

export interface ClusterOptions {
  /** Data directory, which is created if it is missing. The server logs to `<dataDir>.log`. */
  readonly dataDir: string;
  /** TCP port on 127.0.0.1; 0 (the default) selects a free port. A server that already runs keeps its port. */
  readonly port?: number;
  readonly maxConnections?: number;
  /** With `false` the server is faster, but commits do not survive a crash of the machine (for tests only). */
  readonly durable?: boolean;
  onProgress?(message: string): void;
}

/** A PostgreSQL server that runs on this machine. Several processes can share the server. */
export interface EmbeddedCluster {
  /** Returns the connection URL of a database, including the password. */
  url(database: string): string;
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** True if the server was already running: another process uses it, or a crashed process left it behind. */
  readonly adopted: boolean;
  /** Stops the server, unless another process uses it. */
  stop(): Promise<void>;
}

interface RunningServer {
  readonly data: string;
  readonly pid: number;
  readonly port: number;
  readonly adopted: boolean;
}

const maxAttempts = 20;
/** A running server that does not accept a connection within this time is stopped. */
const adoptTimeoutMs = 30_000;

/**
 * Starts a PostgreSQL server from npm, or adopts the server that already runs in `dataDir`. The server listens on
 * 127.0.0.1 only; its random password is stored in the data directory. If this process runs as root, the server runs
 * as an unprivileged user and its files are in a directory that this user can access.
 *
 * @throws Error with the cause when the server cannot be started
 */
export async function startCluster(options: ClusterOptions): Promise<EmbeddedCluster> {
  const onProgress = options.onProgress?.bind(options) ?? (() => undefined);
  const durable = options.durable ?? true;
  const defaultUser = await serverUser();
  const data = await prepareLocation(options.dataDir, defaultUser);
  const user = defaultUser && ((await ownerOf(data)) ?? defaultUser);
  const binaries = await findBinaries(user, onProgress);
  const password = await prepareData(data, { binaries, user, durable, onProgress });
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const adopted = await adopt(data, password, onProgress);
    if (adopted) return adopted;
    const started = await startServer({
      postgres: binaries.postgres,
      data,
      logFile: `${path.resolve(options.dataDir)}.log`,
      user,
      port: options.port ?? 0,
      maxConnections: options.maxConnections ?? 200,
      durable,
    });
    if (started.outcome === 'failed') throw new Error(`PostgreSQL did not start: ${started.message}`);
    if (started.outcome === 'ready') {
      const cluster = await join({ ...started, data, adopted: false }, password);
      if (cluster) return cluster;
    }
    await pause(250);
  }
  throw new Error(`PostgreSQL did not start in ${data}: another process starts or stops it repeatedly`);
}

/** Returns true when a server runs in `dataDir`; {@link startCluster} would adopt the server. */
export async function isClusterRunning(dataDir: string): Promise<boolean> {
  const data = await locateData(dataDir, await serverUser());
  return (await findPostmaster(data)) !== undefined;
}

/**
 * Joins the server that runs in `data`, or stops the server if it does not accept a connection in time. Returns
 * undefined when no server runs or the server has stopped.
 */
async function adopt(
  data: string,
  password: string,
  onProgress: (message: string) => void,
): Promise<EmbeddedCluster | undefined> {
  const found = await findPostmaster(data);
  if (found === undefined) return undefined;
  let joined: EmbeddedCluster | undefined;
  const joinedOrExited = await pollUntil(async () => {
    const postmaster = await findPostmaster(data);
    if (postmaster?.pid !== found.pid) return true;
    if (!postmaster.ready) return false;
    joined = await join({ ...postmaster, data, adopted: true }, password).catch(() => undefined);
    return joined !== undefined;
  }, adoptTimeoutMs);
  if (joined) onProgress(`adopted the PostgreSQL server on port ${joined.port}`);
  if (!joinedOrExited) {
    onProgress(`stopping PostgreSQL process ${found.pid}, which accepts no connections`);
    await stopPostmaster(found.pid, 5_000);
  }
  return joined;
}

/** Takes a usage lock on the server; returns undefined when another process is stopping the server. */
async function join(server: RunningServer, password: string): Promise<EmbeddedCluster | undefined> {
  const url = (database: string): string =>
    `postgres://${superuser}:${password}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`;
  const lock = await UsageLock.acquire(url('postgres'), adoptTimeoutMs);
  if (lock === undefined) return undefined;
  let stopping: Promise<void> | undefined;
  return {
    url,
    port: server.port,
    pid: server.pid,
    adopted: server.adopted,
    stop: () => (stopping ??= leave(lock, server)),
  };
}

async function leave(lock: UsageLock, { pid, data }: RunningServer): Promise<void> {
  const isLast = await lock.release();
  // The server may have exited already, and its process id may belong to another program.
  if (isLast && (await findPostmaster(data))?.pid === pid) await stopPostmaster(pid);
  await lock.close();
}
