import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startDev } from '../cmd/dev/start-dev.js';
import { readState } from '../cmd/dev/supervisor/state-file.js';
import { demoProducts } from '../pkg/catalog/index.js';
import type { Environment } from '../pkg/config/index.js';
import { InventoryServiceService } from '../pkg/pb/inventory/v1/inventory.js';
import { createClient } from '../pkg/rpc/index.js';
import { uuidv7, type Scope } from '../pkg/runtime/index.js';

export interface System {
  /** `host:port` of the order service. */
  readonly orderTarget: string;
  /** SKUs with enough stock for every run. */
  readonly skus: readonly string[];
  /** Reads the resource usage of each service since its start. */
  usage(): Promise<readonly Usage[]>;
}

/** Resource usage of one service, read from its metrics. */
export interface Usage {
  readonly service: string;
  readonly cpuSeconds: number;
  /** Current resident memory. */
  readonly memoryBytes: number;
  readonly requests: number;
}

const initialStock = 500_000n;

/** Starts PostgreSQL and the four built services. Closing `scope` stops them and removes their temporary directory. */
export async function startSystem(env: Environment, scope: Scope): Promise<System> {
  const directory = await mkdtemp(path.join(tmpdir(), 'bench-'));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const dataDir = path.join(directory, 'data');
  const dev = scope.use(await startDev({ dataDir, logDir: path.join(directory, 'logs'), env }));
  const endpoints = readState(dataDir)?.endpoints?.services ?? [];
  const skus = demoProducts.filter(({ price }) => price.currency === 'USD').map(({ sku }) => sku);
  await restock(dev.addresses.inventory, skus);
  return {
    orderTarget: dev.addresses.order,
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
      inventory.adjustStock({ requestId: uuidv7(), sku, delta: initialStock, reason: 'benchmark' });
    await Promise.all(skus.map(adjust));
  } finally {
    inventory.close();
  }
}

async function usageOf(service: string, url: string): Promise<Usage> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  /** Returns the sum of all series of a metric. */
  const total = (metric: string): number => {
    const found = [...text.matchAll(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)`, 'gm'))];
    if (found.length === 0) throw new Error(`${url} has no ${metric}`);
    return found.reduce((sum, [, value]) => sum + Number(value), 0);
  };
  return {
    service,
    cpuSeconds: total('process_cpu_seconds_total'),
    memoryBytes: total('process_resident_memory_bytes'),
    requests: total('requests_total'),
  };
}

/** Starts a receiver that discards spans until `scope` is closed. Returns the URL of the receiver. */
export async function startSpanSink(scope: Scope): Promise<string> {
  const sink = fork(new URL(import.meta.resolve('./span-sink.js')));
  scope.defer(() => void sink.kill());
  const [port] = (await once(sink, 'message')) as [number];
  return `http://127.0.0.1:${port}`;
}
