import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { catalogService } from '../../../cmd/catalog-service/app.js';
import { inventoryService } from '../../../cmd/inventory-service/app.js';
import { orderService } from '../../../cmd/order-service/app.js';
import { paymentService } from '../../../cmd/payment-service/app.js';
import { seedDemo } from '../../../cmd/seed/app.js';
import { loadSeedConfig } from '../../../cmd/seed/config.js';
import { demoProducts } from '../../../pkg/catalog/demo-products.js';
import { catalogMigrations } from '../../../pkg/catalog/migrations.js';
import { inventoryMigrations } from '../../../pkg/inventory/migrations.js';
import { orderMigrations } from '../../../pkg/order/migrations.js';
import { paymentMigrations } from '../../../pkg/payment/migrations.js';
import { OrderServiceService } from '../../../pkg/pb/order/v1/order.js';
import type { MigrationSet } from '../../../pkg/postgres/index.js';
import { createTestDatabase } from '../../support/postgres/test-database.js';
import { loneClient } from '../../support/rpc/lone-client.js';
import { Scope, uuidv7 } from '../../../pkg/runtime/index.js';
import { testSettings } from '../../support/test-settings.js';
import { createScraper, type Scraper } from '../../support/scrape.js';

interface Family {
  readonly type: string;
  /** Labels of the metric, sorted; undefined if the metric has no series. */
  readonly labels: readonly string[] | undefined;
}

/** Returns the metric tables of docs/monitoring.md. */
function metricTables(): string {
  return readFileSync('docs/monitoring.md', 'utf8').split('<!-- metrics -->')[1] ?? '';
}

function rowsOf(tables: string): { name: string; type: string; labels: string[] }[] {
  const rows = tables.matchAll(/^\| `(\w+)` \| (\w+) \| ([\w, ]*)\|/gm);
  return [...rows].map(([, name = '', type = '', labels = '']) => ({ name, type, labels: split(labels) }));
}

function documented(): Map<string, Family> {
  return new Map(rowsOf(metricTables()).map(({ name, ...family }) => [name, family]));
}

function split(labels: string): string[] {
  return labels
    .split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '')
    .toSorted();
}

/** Metrics that prom-client defines and documents. The two excluded metrics are defined by this repository. */
const libraryMetrics = /^(process_(?!info)|nodejs_(?!heap_size_limit_bytes))/;

describe('metric tables of docs/monitoring.md', () => {
  const scope = new Scope();
  const scraped = new Map<string, Family>();

  before(async () => {
    const scrapers: Scraper[] = [];
    const environment = async (set: MigrationSet): Promise<Record<string, string>> => {
      const scraper = await createScraper();
      scrapers.push(scraper);
      const { url, drop } = await createTestDatabase(set);
      scope.defer(drop);
      return { ...testSettings, ...scraper.env, DATABASE_URL: url };
    };
    const catalog = await catalogService.start(
      catalogService.configure(await environment(catalogMigrations)),
      scope,
    );
    const inventory = await inventoryService.start(
      inventoryService.configure(await environment(inventoryMigrations)),
      scope,
    );
    const payment = await paymentService.start(
      paymentService.configure(await environment(paymentMigrations)),
      scope,
    );
    const addresses = {
      CATALOG_SERVICE_ADDR: catalog.address,
      INVENTORY_SERVICE_ADDR: inventory.address,
      PAYMENT_SERVICE_ADDR: payment.address,
    };
    const order = await orderService.start(
      orderService.configure({ ...(await environment(orderMigrations)), ...addresses }),
      scope,
    );
    await seedDemo(loadSeedConfig(addresses), () => undefined);
    await buy(order.address, scope);
    for (const scraper of scrapers) await gather(scraper, scraped);
  });
  after(() => scope.close());

  it('list exactly the metrics of the services, with their types', () => {
    const namesAndTypes = (families: Map<string, Family>): string[] =>
      [...families].map(([name, { type }]) => `${name} ${type}`).toSorted();
    const ownMetrics = new Map([...scraped].filter(([name]) => !libraryMetrics.test(name)));
    expect(namesAndTypes(documented())).to.deep.equal(namesAndTypes(ownMetrics));
  });

  it('list each metric once', () => {
    const names = rowsOf(metricTables()).map(({ name }) => name);
    expect(names).to.deep.equal([...new Set(names)]);
  });

  it('list the labels of each metric', () => {
    const withSeries = [...documented()].filter(([name]) => scraped.get(name)?.labels !== undefined);
    expect(withSeries.length).to.be.greaterThan(25);
    for (const [name, { labels }] of withSeries)
      expect(scraped.get(name)?.labels, name).to.deep.equal(labels);
  });
});

async function buy(target: string, scope: Scope): Promise<void> {
  const orders = scope.use(loneClient(OrderServiceService, target));
  const sku = demoProducts[0]?.sku ?? '';
  for (const paymentMethod of ['pm_approve', 'pm_decline_insufficient_funds'])
    await orders.createOrder({
      requestId: uuidv7(),
      customerId: 'ada',
      items: [{ sku, quantity: 1n }],
      paymentMethod,
    });
}

async function gather(scraper: Scraper, families: Map<string, Family>): Promise<void> {
  const lines = await scraper.lines('');
  for (const line of lines) {
    const [, name = '', type = ''] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? [];
    if (name) families.set(name, { type, labels: labelsOf(name, lines) ?? families.get(name)?.labels });
  }
}

function labelsOf(name: string, lines: readonly string[]): string[] | undefined {
  const sample = lines.find((line) => new RegExp(String.raw`^${name}(_count)?[{ ]`).test(line));
  return sample === undefined
    ? undefined
    : [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label).toSorted();
}
