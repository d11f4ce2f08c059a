import path from 'node:path';
import { pause } from '../../runtime/wait.js';
import { findBinaries } from './binaries.js';
import { prepareData, superuser } from './data-directory.js';
import { launch } from './launch.js';
import { Lease } from './lease.js';
import { locateData, ownerOf, placeData } from './placement.js';
import { findPostmaster, stopPostmaster, until } from './postmaster.js';
import { serverUser } from './user.js';

export interface ClusterOptions {
  /** Where the data lives; made when missing. The log goes beside it, to `<dataDir>.log`. */
  readonly dataDir: string;
  /** TCP port on 127.0.0.1; 0, the default, takes a free one. An adopted cluster keeps its own. */
  readonly port?: number;
  readonly maxConnections?: number;
  /** Whether commits survive a crash of the machine. Off is faster, and for tests only. */
  readonly durable?: boolean;
  onProgress?(message: string): void;
}

/** A running PostgreSQL of this machine. */
export interface EmbeddedCluster {
  /** Connection URL of a database in it. Holds the password. */
  url(database: string): string;
  readonly port: number;
  /** Whether it ran already, left behind by a crash or shared with another process. */
  readonly adopted: boolean;
  /** Stops it, unless another live process uses it too: the last to leave stops it. */
  stop(): Promise<void>;
}

interface Endpoint {
  readonly data: string;
  readonly pid: number;
  readonly port: number;
  readonly adopted: boolean;
}

const attempts = 20;
/** A server that does not answer for so long is taken for dead. */
const answerMs = 30_000;

/**
 * Starts the PostgreSQL that npm installed, or adopts the one that already runs on `dataDir`.
 * Reachable on 127.0.0.1 only, with a random password kept in the data directory. As root it runs
 * as an unprivileged user, and its files move where that user can reach them.
 *
 * @throws Error that says what is in the way
 */
export async function startCluster(options: ClusterOptions): Promise<EmbeddedCluster> {
  const onProgress = options.onProgress?.bind(options) ?? (() => undefined);
  const durable = options.durable ?? true;
  const lent = await serverUser();
  const data = await placeData(options.dataDir, lent);
  const user = lent && ((await ownerOf(data)) ?? lent);
  const binaries = await findBinaries(user, onProgress);
  const password = await prepareData(data, { binaries, user, durable, onProgress });
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const running = await adopt(data, password, onProgress);
    if (running) return running;
    const launched = await launch({
      postgres: binaries.postgres,
      data,
      logFile: `${path.resolve(options.dataDir)}.log`,
      user,
      port: options.port ?? 0,
      maxConnections: options.maxConnections ?? 200,
      durable,
    });
    if (launched.outcome === 'failed') throw new Error(`PostgreSQL did not start: ${launched.why}`);
    if (launched.outcome === 'ready') {
      const started = await join({ ...launched, data, adopted: false }, password);
      if (started) return started;
    }
    await pause(250);
  }
  throw new Error(`PostgreSQL did not start in ${data}: another process keeps interfering`);
}

/** Whether a cluster runs on `dataDir`, so that `startCluster` would adopt it. */
export async function isClusterRunning(dataDir: string): Promise<boolean> {
  const data = await locateData(dataDir, await serverUser());
  return (await findPostmaster(data)) !== undefined;
}

/** Joins the cluster that runs on `data`; ends one that does not answer. */
async function adopt(
  data: string,
  password: string,
  onProgress: (message: string) => void,
): Promise<EmbeddedCluster | undefined> {
  const found = await findPostmaster(data);
  if (found === undefined) return undefined;
  let joined: EmbeddedCluster | undefined;
  const settled = await until(async () => {
    const now = await findPostmaster(data);
    if (now?.pid !== found.pid) return true;
    if (!now.ready) return false;
    joined = await join({ ...now, data, adopted: true }, password).catch(() => undefined);
    return joined !== undefined;
  }, answerMs);
  if (joined) onProgress(`adopted the PostgreSQL that runs on port ${joined.port}`);
  if (!settled) {
    onProgress(`stopping the PostgreSQL of process ${found.pid}, which does not answer`);
    await stopPostmaster(found.pid, 5_000);
  }
  return joined;
}

/** Takes a share in a cluster; undefined when it is being stopped. */
async function join(at: Endpoint, password: string): Promise<EmbeddedCluster | undefined> {
  const url = (database: string): string =>
    `postgres://${superuser}:${password}@127.0.0.1:${at.port}/${encodeURIComponent(database)}`;
  const lease = await Lease.take(url('postgres'), answerMs);
  if (lease === undefined) return undefined;
  let stopping: Promise<void> | undefined;
  return {
    url,
    port: at.port,
    adopted: at.adopted,
    stop: () => (stopping ??= leave(lease, at)),
  };
}

async function leave(lease: Lease, { pid, data }: Endpoint): Promise<void> {
  const isLast = await lease.surrender();
  // It may have ended by itself long ago, and its process id may be another program's by now.
  if (isLast && (await findPostmaster(data))?.pid === pid) await stopPostmaster(pid);
  await lease.close();
}
