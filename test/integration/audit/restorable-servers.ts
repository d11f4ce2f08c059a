import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { inventoryMigrations } from '../../../pkg/inventory/index.js';
import { orderMigrations } from '../../../pkg/order/index.js';
import { paymentMigrations } from '../../../pkg/payment/index.js';
import { locateData } from '../../../pkg/postgres/embedded/data-location.js';
import { startCluster, type EmbeddedCluster } from '../../../pkg/postgres/embedded/index.js';
import { serverUser } from '../../../pkg/postgres/embedded/system-user.js';
import { migrate, type MigrationSet } from '../../../pkg/postgres/index.js';

const run = promisify(execFile);

export const restoredServices = ['order-service', 'inventory-service', 'payment-service'] as const;
export type RestoredService = (typeof restoredServices)[number];

const migrations: Readonly<Record<RestoredService, MigrationSet>> = {
  'order-service': orderMigrations,
  'inventory-service': inventoryMigrations,
  'payment-service': paymentMigrations,
};

/** One PostgreSQL server for each service, so that one service can be restored to an older state. */
export class RestorableServers {
  readonly #directory: string;
  #clusters: EmbeddedCluster[] = [];

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Creates the servers and the schemas. The servers run. */
  static async create(): Promise<RestorableServers> {
    const servers = new RestorableServers(await mkdtemp(path.join(tmpdir(), 'restore-')));
    const urls = await servers.start();
    for (const service of restoredServices) await migrate(urls[service], migrations[service]);
    return servers;
  }

  /** Starts the stopped servers, and returns the URL of the database of each service. */
  async start(): Promise<Record<RestoredService, string>> {
    const urls: Partial<Record<RestoredService, string>> = {};
    for (const service of restoredServices) {
      const cluster = await startCluster({ dataDir: this.#dataDir(service), durable: false });
      this.#clusters.push(cluster);
      urls[service] = cluster.url('postgres');
    }
    return urls as Record<RestoredService, string>;
  }

  async stop(): Promise<void> {
    for (const cluster of this.#clusters) await cluster.stop();
    this.#clusters = [];
  }

  /** Copies the data directory of each stopped server. */
  async backUp(name: string): Promise<void> {
    for (const service of restoredServices) {
      const data = await this.#locate(service);
      await run('cp', ['-a', data, `${data}.${name}`]);
    }
  }

  /** Replaces the data directory of a stopped server by a copy. */
  async restore(service: RestoredService, name: string): Promise<void> {
    const data = await this.#locate(service);
    await rm(data, { recursive: true });
    await run('cp', ['-a', `${data}.${name}`, data]);
  }

  async remove(): Promise<void> {
    await this.stop();
    const locations = await Promise.all(restoredServices.map((service) => this.#locate(service)));
    for (const data of locations)
      for (const folder of [data, `${data}.old`, `${data}.new`])
        await rm(folder, { recursive: true, force: true });
    await rm(this.#directory, { recursive: true });
  }

  #dataDir(service: RestoredService): string {
    return path.join(this.#directory, service);
  }

  async #locate(service: RestoredService): Promise<string> {
    return locateData(this.#dataDir(service), await serverUser());
  }
}
