import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDev } from '../cmd/dev/child.js';
import { readState } from '../cmd/dev/state-file.js';
import { demoProducts } from '../pkg/catalog/demo-products.js';
import type { Environment } from '../pkg/config/index.js';
import { InventoryServiceService } from '../pkg/pb/inventory/v1/inventory.js';
import { createClient } from '../pkg/rpc/index.js';
import { uuidv7, type Scope } from '../pkg/runtime/index.js';

export interface System {
  /** `host:port` of the order service. */
  readonly orders: string;
  /** Products that do not run out. */
  readonly skus: readonly string[];
  /** What each of the four services has used and done so far. */
  usage(): Promise<readonly Usage[]>;
}

/** One service, as its metrics tell. */
export interface Usage {
  readonly service: string;
  readonly cpuSeconds: number;
  /** Resident, now. */
  readonly memoryBytes: number;
  readonly requests: number;
}

const amplyStocked = 500_000n;

/** Starts PostgreSQL and the four built services in directories of their own, removed with `scope`. */
export async function startSystem(env: Environment, scope: Scope): Promise<System> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-'));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const dataDir = path.join(directory, 'data');
  const dev = scope.use(await startDev({ dataDir, logDir: path.join(directory, 'logs'), env }));
  const endpoints = readState(dataDir)?.endpoints?.services ?? [];
  const skus = demoProducts.filter(({ price }) => price.currency === 'USD').map(({ sku }) => sku);
  await restock(dev.addresses.inventory, skus);
  return {
    orders: dev.addresses.order,
    skus,
    usage: () => Promise.all(endpoints.map(({ name, metrics }) => usageOf(name, metrics))),
  };
}

async function restock(target: string, skus: readonly string[]): Promise<void> {
  const inventory = createClient(InventoryServiceService, {
    name: 'inventory-service',
    target,
    timeoutMs: 10_000,
    retry: true,
  });
  try {
    const adjust = (sku: string) =>
      inventory.adjustStock({ requestId: uuidv7(), sku, delta: amplyStocked, reason: 'benchmark' });
    await Promise.all(skus.map(adjust));
  } finally {
    inventory.close();
  }
}

async function usageOf(service: string, url: string): Promise<Usage> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  /** The sum over all labels. */
  const total = (metric: string): number => {
    const found = [...text.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)`, 'gm'))];
    if (found.length === 0) throw new Error(`${url} shows no ${metric}`);
    return found.reduce((sum, [, value]) => sum + Number(value), 0);
  };
  return {
    service,
    cpuSeconds: total('process_cpu_seconds_total'),
    memoryBytes: total('process_resident_memory_bytes'),
    requests: total('requests_total'),
  };
}
