import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { startCatalog } from '../../cmd/catalog-service/app.js';
import { startInventory } from '../../cmd/inventory-service/app.js';
import { startOrder } from '../../cmd/order-service/app.js';
import { startPayment } from '../../cmd/payment-service/app.js';
import { seedDemo } from '../../cmd/seed/app.js';
import { loadSeedConfig } from '../../cmd/seed/config.js';
import { loadCatalogConfig } from '../../pkg/catalog/config.js';
import { demoProducts } from '../../pkg/catalog/demo-products.js';
import { catalogMigrations } from '../../pkg/catalog/migrations.js';
import { loadInventoryConfig } from '../../pkg/inventory/config.js';
import { inventoryMigrations } from '../../pkg/inventory/migrations.js';
import { loadOrderConfig } from '../../pkg/order/config.js';
import { orderMigrations } from '../../pkg/order/migrations.js';
import { loadPaymentConfig } from '../../pkg/payment/config.js';
import { paymentMigrations } from '../../pkg/payment/migrations.js';
import { OrderServiceService } from '../../pkg/pb/order/v1/order.js';
import type { MigrationSet } from '../../pkg/postgres/index.js';
import { createTestDatabase } from '../../pkg/postgres/testing/test-database.js';
import { loneClient } from '../../pkg/rpc/testing/lone-client.js';
import { Scope, uuidv7 } from '../../pkg/runtime/index.js';
import { quiet } from './quiet.js';
import { aScraper, type Scraper } from './scrape.js';

interface Family {
  readonly type: string;
  /** Undefined of a metric that has nothing to count yet. */
  readonly labels: readonly string[] | undefined;
}

/** The metric tables of docs/monitoring.md. */
function monitoring(): string {
  return readFileSync('docs/monitoring.md', 'utf8').split('<!-- metrics -->')[1] ?? '';
}

function rowsOf(tables: string): { name: string; type: string; labels: string[] }[] {
  const rows = tables.matchAll(/^\| `(\w+)` \| (\w+) \| ([\w, ]*)\|/gm);
  return [...rows].map(([, name = '', type = '', labels = '']) => ({ name, type, labels: split(labels) }));
}

function documented(): Map<string, Family> {
  return new Map(rowsOf(monitoring()).map(({ name, ...family }) => [name, family]));
}

function split(labels: string): string[] {
  return labels
    .split(',')
    .map((label) => label.trim())
    .filter((label) => label !== '')
    .toSorted();
}

/** What prom-client itself knows of a process; its manual is theirs. */
const ofEveryProcess = /^(process_(?!info)|nodejs_(?!heap_size_limit_bytes))/;

describe('the metrics in docs/monitoring.md', () => {
  const scope = new Scope();
  const shown = new Map<string, Family>();

  before(async () => {
    const scrapers: Scraper[] = [];
    const environment = async (set: MigrationSet): Promise<Record<string, string>> => {
      const scraper = await aScraper();
      scrapers.push(scraper);
      const { url, drop } = await createTestDatabase(set);
      scope.defer(drop);
      return { ...quiet, ...scraper.env, DATABASE_URL: url };
    };
    const catalog = await startCatalog(loadCatalogConfig(await environment(catalogMigrations)), scope);
    const inventory = await startInventory(
      loadInventoryConfig(await environment(inventoryMigrations)),
      scope,
    );
    const payment = await startPayment(loadPaymentConfig(await environment(paymentMigrations)), scope);
    const addresses = {
      CATALOG_SERVICE_ADDR: catalog.address,
      INVENTORY_SERVICE_ADDR: inventory.address,
      PAYMENT_SERVICE_ADDR: payment.address,
    };
    const order = await startOrder(
      loadOrderConfig({ ...(await environment(orderMigrations)), ...addresses }),
      scope,
    );
    await seedDemo(loadSeedConfig(addresses), () => undefined);
    await buy(order.address, scope);
    for (const scraper of scrapers) await gather(scraper, shown);
  });
  after(() => scope.close());

  it('are those that the services show, by name and type', () => {
    const namesAndTypes = (families: Map<string, Family>): string[] =>
      [...families].map(([name, { type }]) => `${name} ${type}`).toSorted();
    const ours = new Map([...shown].filter(([name]) => !ofEveryProcess.test(name)));
    expect(namesAndTypes(documented())).to.deep.equal(namesAndTypes(ours));
  });

  it('stand there once', () => {
    const names = rowsOf(monitoring()).map(({ name }) => name);
    expect(names).to.deep.equal([...new Set(names)]);
  });

  it('have the labels that the services give them', () => {
    const counting = [...documented()].filter(([name]) => shown.get(name)?.labels !== undefined);
    expect(counting.length).to.be.greaterThan(25);
    for (const [name, { labels }] of counting) expect(shown.get(name)?.labels, name).to.deep.equal(labels);
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
