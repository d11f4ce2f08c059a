import path from 'node:path';
import { services } from '../cmd/dev/services/service-spec.js';
import { CatalogServiceService } from '../pkg/pb/catalog/v1/catalog.js';
import { InventoryServiceService } from '../pkg/pb/inventory/v1/inventory.js';
import { OrderState } from '../pkg/pb/order/v1/order.js';
import type { Database } from '../pkg/postgres/index.js';
import { createClient } from '../pkg/rpc/index.js';
import { uuidv7, type Scope } from '../pkg/runtime/index.js';
import { audit } from './audit.js';
import type { Bench } from './bench.js';
import { measureLoad, type Cell, type Measurement, type Target } from './cell.js';
import { backendPid, countersOf, openStatistics } from './counters.js';
import type { Arrival, LoadGroup, PlacedOrder, Requests } from './load/load-run.js';
import { createOrders, type OrderOptions } from './load/requests.js';
import { parentOf } from './processes.js';
import { ReplicatedSystem, type Replica, type SettingsOf } from './replicated-system.js';
import type { Version } from './version.js';

export interface SystemOptions {
  readonly name: string;
  readonly version: Version;
  readonly replicas?: number;
  readonly settings?: SettingsOf;
  /** With `false` only crashes are checked. */
  readonly isAudited?: boolean;
}

const products = 1000;
const stockUnits = 1_000_000n;
const seedConcurrency = 32;
/** Orders that later measurements read, refund or cancel. */
const keptOrders = 5000;
const databases = services.map(({ database }) => database);

/** SKUs of the products, each with a million units in stock. */
export const skus: readonly string[] = Array.from({ length: products }, (_, number) => `bench-${number}`);

/** SKU of a product that is out of stock. */
export const emptySku = 'bench-empty';

/** The services of a version with a durable PostgreSQL, in processes of their own. */
export class System implements Target {
  /** The last confirmed orders. */
  orders: readonly PlacedOrder[] = [];
  /** Ids of all confirmed orders, which the audit must find. */
  readonly #acknowledged: string[] = [];

  private constructor(
    private readonly bench: Bench,
    private readonly options: SystemOptions,
    private readonly replicated: ReplicatedSystem,
    private readonly postgres: { readonly statistics: Database; readonly pid: number },
  ) {}

  /** Closing `scope` stops the system. */
  static async start(bench: Bench, options: SystemOptions, scope: Scope): Promise<System> {
    const { name, version, replicas = 1, settings = () => ({}) } = options;
    bench.log(`starting ${name} of ${version.name}`);
    const counts = { order: replicas, inventory: replicas, payment: replicas, catalog: replicas };
    const replicated = await ReplicatedSystem.prepare(
      { name: `bench-${name}`, replicas: counts, version, onProgress: () => undefined },
      scope,
    );
    await replicated.start((...replica) => ({ LOG_LEVEL: 'info', ...settings(...replica) }));
    const statistics = scope.use(await openStatistics(replicated.postgres.url('postgres')));
    const pid = parentOf(await backendPid(statistics)) ?? 0;
    await seed(replicated);
    return new System(bench, options, replicated, { statistics, pid });
  }

  readonly processes = (): ReadonlyMap<number, string> =>
    new Map([
      ...this.replicated.replicas.map(({ pid = 0, domain }): [number, string] => [pid, domain]),
      [this.postgres.pid, 'postgres'],
    ]);

  readonly counters = () =>
    countersOf(
      this.postgres.statistics,
      databases,
      this.replicated.replicas.map(({ metricsPort }) => metricsPort),
    );

  group(name: string, requests: Requests, arrival: Arrival): LoadGroup {
    const isInventory = requests.path.startsWith('/inventory');
    const targets = this.replicated.of(isInventory ? 'inventory' : 'order').map(({ address }) => address);
    return { name, targets, arrival, ...requests };
  }

  /** Runs the first group beside the others. Confirmed orders are kept. */
  async measure(groups: readonly LoadGroup[], timing = this.bench.timing): Promise<Measurement> {
    const measurement = await measureLoad({ ...this.bench, timing }, this, groups);
    const created = groups.filter((group) => group.path.endsWith('/CreateOrder'));
    for (const { name, expects } of created) {
      const { orders = [] } = measurement.groups[name] ?? {};
      for (const { orderId } of orders) this.#acknowledged.push(orderId);
      if (expects === OrderState.CONFIRMED) this.orders = [...this.orders, ...orders].slice(-keptOrders);
    }
    return measurement;
  }

  /** Returns the kept orders, which are then no longer kept. */
  takeOrders(): readonly PlacedOrder[] {
    const taken = this.orders;
    this.orders = [];
    return taken;
  }

  /** Returns the number of orders. */
  async placeOneOfEachCustomer(): Promise<number> {
    const requests = { ...createOrders({ skus }), once: true };
    const timing = { warmUpMs: 0, measuredMs: 600_000 };
    await this.measure([this.group('place', requests, { inFlight: 32 })], timing);
    return requests.frames.length;
  }

  databaseUrl(database: string): string {
    return this.replicated.postgres.url(database);
  }

  cell(name: string, requests: () => Requests, arrival: () => Arrival): Cell {
    return {
      name,
      measure: async () => (await this.measure([this.group(name, requests(), arrival())])).sample,
    };
  }

  createCell(name: string, arrival: () => Arrival, options: Partial<OrderOptions> = {}): Cell {
    const requests = createOrders({ skus, ...options });
    return this.cell(name, () => requests, arrival);
  }

  /** Reports crashed services and violated invariants. */
  async check(): Promise<void> {
    const { replicated } = this;
    const { version, isAudited = true } = this.options;
    for (const crash of replicated.replicas.flatMap(({ crashes }) => crashes))
      this.bench.onProblem(`${version.name}: ${crash}`);
    if (!isAudited) return;
    this.bench.log(`auditing ${version.name}`);
    const file = path.join(replicated.logDir, 'acknowledged');
    const checks = await audit(replicated, { acknowledged: this.#acknowledged, file, root: version.root });
    for (const { title, violations } of checks)
      if (violations.length > 0)
        this.bench.onProblem(
          `${version.name}: ${title}: ${violations.length} violations, first ${violations[0]}`,
        );
  }
}

async function seed(system: ReplicatedSystem): Promise<void> {
  const target = (domain: Replica['domain']): string => system.of(domain)[0]?.address ?? '';
  const options = { timeoutMs: 30_000, retry: true };
  const catalog = createClient(CatalogServiceService, {
    ...options,
    name: 'catalog-service',
    target: target('catalog'),
  });
  const inventory = createClient(InventoryServiceService, {
    ...options,
    name: 'inventory-service',
    target: target('inventory'),
  });
  const price = { currencyCode: 'USD', units: 10n, nanos: 0 };
  const remaining = [...skus, emptySku];
  const worker = async (): Promise<void> => {
    for (let sku = remaining.pop(); sku !== undefined; sku = remaining.pop()) {
      const product = { sku, name: sku, description: '', price, revision: 0n };
      await catalog.createProduct({ requestId: uuidv7(), product });
      if (sku === emptySku) continue;
      await inventory.adjustStock({ requestId: uuidv7(), sku, delta: stockUnits, reason: 'benchmark' });
    }
  };
  try {
    await Promise.all(Array.from({ length: seedConcurrency }, worker));
  } finally {
    catalog.close();
    inventory.close();
  }
}
