import path from 'node:path';
import { services } from '../cmd/dev/services/service-spec.js';
import { OrderState } from '../pkg/pb/order/v1/order.js';
import type { Database } from '../pkg/postgres/index.js';
import type { Scope } from '../pkg/runtime/index.js';
import { audit } from './audit.js';
import type { Bench } from './bench.js';
import { measureLoad, type Cell, type Measurement, type Target } from './cell.js';
import { countersOf, openStatistics } from './counters.js';
import type { Arrival, LoadGroup, PlacedOrder, Requests } from './load/load-run.js';
import { adjustStocks, createOrders, createProducts, type OrderOptions } from './load/requests.js';
import { ReplicatedSystem, type SettingsOf } from './replicated-system.js';
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
    private readonly statistics: Database,
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
    await replicated.start((...replica) => ({
      LOG_LEVEL: 'info',
      ...bench.telemetry,
      ...settings(...replica),
    }));
    const statistics = scope.use(await openStatistics(replicated.postgres.url('postgres')));
    const system = new System(bench, options, replicated, statistics);
    await system.#callOnce(createProducts([...skus, emptySku]));
    await system.#callOnce(adjustStocks(skus, stockUnits));
    return system;
  }

  readonly processes = (): ReadonlyMap<number, string> =>
    new Map([
      ...this.replicated.replicas.map(({ pid = 0, domain }): [number, string] => [pid, domain]),
      [this.replicated.postgres.pid, 'postgres'],
    ]);

  readonly counters = () =>
    countersOf(
      this.statistics,
      databases,
      this.replicated.replicas.map(({ metricsPort }) => metricsPort),
    );

  group(name: string, requests: Requests, arrival: Arrival): LoadGroup {
    const targets = this.replicated.replicas
      .filter(({ domain }) => requests.path.startsWith(`/${domain}.`))
      .map(({ address }) => address);
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
    const requests = createOrders({ skus });
    await this.#callOnce(requests);
    return requests.frames.length;
  }

  async #callOnce(requests: Requests): Promise<void> {
    const group = this.group(requests.path, { ...requests, once: true }, { inFlight: 32 });
    await this.measure([group], { warmUpMs: 0, measuredMs: 600_000 });
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
