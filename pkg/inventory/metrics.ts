import { Counter, Gauge, type Registry } from 'prom-client';
import type { Queryable } from '../postgres/index.js';
import type { ChangeListener } from './changes.js';
import { available } from './domain.js';
import { listStock } from './stock-store.js';

/** Distinct products in the counter; more are counted together, as are SKUs that are not stocked. */
const maxProducts = 1000;
const otherProducts = 'other';
/** SKUs whose stock is shown, the first in SKU order. */
const maxGauges = 200;
/** Scrapes within this time share one reading, milliseconds. */
const readingLastsMs = 2000;

export interface InventoryMetricsDeps {
  readonly registry: Registry;
  readonly db: Queryable;
  readonly onError: (error: unknown) => void;
}

/** The business metrics of the inventory. Names and labels are API. */
export function inventoryMetrics(deps: InventoryMetricsDeps): ChangeListener {
  registerCurrentStock(deps);
  return reservationCounter(deps.registry);
}

function reservationCounter(registry: Registry): ChangeListener {
  const counter = new Counter({
    name: 'inventory_reservations_total',
    help: 'Reservation lines, by what became of them.',
    labelNames: ['product', 'status'],
    registers: [registry],
  });
  const products = new Set<string>();
  const labelOf = (sku: string): string => {
    if (sku === '') return otherProducts;
    if (products.size < maxProducts) products.add(sku);
    return products.has(sku) ? sku : otherProducts;
  };
  return (change) => {
    if (change.kind !== 'claim') return;
    for (const sku of change.skus) counter.inc({ product: labelOf(sku), status: change.status });
  };
}

/** Read from the database when it is scraped, so that every replica shows the same. */
function registerCurrentStock({ registry, db, onError }: InventoryMetricsDeps): void {
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | undefined;
  const gauge = new Gauge({
    name: 'current_stock',
    help: `Units that can still be reserved, of the first ${maxGauges} products.`,
    labelNames: ['product'],
    registers: [registry],
    collect: () => {
      if (performance.now() - readAt < readingLastsMs) return reading;
      readAt = performance.now();
      reading = read().catch(onError);
      return reading;
    },
  });
  const read = async (): Promise<void> => {
    const levels = await listStock(db, '', maxGauges);
    gauge.reset();
    for (const level of levels) gauge.set({ product: level.sku }, Number(available(level)));
  };
}
