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
  /** What the four services have used of the processor so far, seconds. */
  cpuSeconds(): Promise<number>;
}

const amplyStocked = 500_000n;

/** Starts PostgreSQL and the four built services in directories of their own, removed with `scope`. */
export async function startSystem(env: Environment, scope: Scope): Promise<System> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-'));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const dataDir = path.join(directory, 'data');
  const dev = scope.use(await startDev({ dataDir, logDir: path.join(directory, 'logs'), env }));
  const metrics = readState(dataDir)?.endpoints?.services.map((service) => service.metrics) ?? [];
  const skus = demoProducts.filter(({ price }) => price.currency === 'USD').map(({ sku }) => sku);
  await restock(dev.addresses.inventory, skus);
  return {
    orders: dev.addresses.order,
    skus,
    cpuSeconds: async () => {
      const used = await Promise.all(metrics.map(cpuSecondsOf));
      return used.reduce((sum, seconds) => sum + seconds, 0);
    },
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

async function cpuSecondsOf(url: string): Promise<number> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  const found = /^process_cpu_seconds_total(?:\{.*\})? (\S+)/m.exec(text);
  if (!found) throw new Error(`${url} shows no process_cpu_seconds_total`);
  return Number(found[1]);
}
