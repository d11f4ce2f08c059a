import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCluster } from '../../pkg/postgres/embedded/index.js';
import { createDatabaseIfMissing, openDatabase, type Database } from '../../pkg/postgres/index.js';
import type { Scope } from '../../pkg/runtime/index.js';
import type { Cell, Timing } from '../cell.js';
import { readUsage } from '../processes.js';

/** A PostgreSQL server of the references. */
export interface ReferenceServer {
  readonly pid: number;
  open(name: string, poolMax: number): Promise<{ readonly database: Database; readonly url: string }>;
}

/** Closing `scope` stops the server. */
export async function startReferenceServer(scope: Scope): Promise<ReferenceServer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-reference-'));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const cluster = await startCluster({ dataDir: path.join(directory, 'postgres') });
  scope.defer(() => cluster.stop());
  const open: ReferenceServer['open'] = async (name, poolMax) => {
    const url = cluster.url(name);
    await createDatabaseIfMissing(url);
    const config = { url, poolMax, connectTimeoutMs: 30_000, statementTimeoutMs: 60_000 };
    return { url, database: scope.use(await openDatabase(config, { warn: () => undefined })) };
  };
  return { pid: cluster.pid, open };
}

export interface OwnWork {
  readonly name: string;
  /** Processes whose CPU time counts, by process id. */
  readonly processes: ReadonlyMap<number, string>;
  /** Works until `end` and returns the number of orders. */
  readonly work: (end: number) => Promise<number>;
}

/** A cell of work that this process does itself. */
export function ownWork({ name, processes, work }: OwnWork, { warmUpMs, measuredMs }: Timing): Cell {
  const measure = async () => {
    await work(performance.now() + warmUpMs);
    const from = readUsage(processes);
    const orders = await work(performance.now() + measuredMs);
    const to = readUsage(processes);
    const seconds = [...to.cpu].reduce((sum, [each, cpu]) => sum + cpu - (from.cpu.get(each) ?? 0), 0);
    return { rate: orders / (to.time - from.time), CPU: (seconds * 1000) / orders };
  };
  return { name, measure };
}
