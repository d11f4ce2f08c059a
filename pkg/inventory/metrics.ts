import { Counter, type Registry } from 'prom-client';
import { countTtlMs, type DatabaseGauges } from '../postgres/index.js';
import type { ChangeListener } from './changes.js';
import { available, reservationStates } from './domain.js';
import { countByState, readOpenReservations } from './metrics-queries.js';
import { listStock } from './stock-store.js';

/**
 * Maximum number of products in the counter. Products beyond this number, and SKUs that were never stocked, count as
 * `other`.
 */
const maxProducts = 1000;
const otherProducts = 'other';
/** Maximum number of products with a stock gauge. */
const maxGauges = 200;

/** Counts the reservation lines that this process changes. Metric names and labels are part of the public API. */
export function inventoryMetrics(registry: Registry): ChangeListener {
  const counter = new Counter({
    name: 'inventory_reservations_total',
    help: 'Reservation lines by status.',
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
    if (change.kind !== 'reservation') return;
    for (const sku of change.skus) counter.inc({ product: labelOf(sku), status: change.status });
  };
}

/** Registers gauges of stock and reservations, whose values are read from the database. */
export function inventoryGauges(gauges: DatabaseGauges): void {
  stockGauges(gauges);
  reservationGauges(gauges);
}

function stockGauges(gauges: DatabaseGauges): void {
  gauges.register({
    gauges: {
      current_stock: {
        help: `Units available for reservation, of the first ${maxGauges} products in SKU order.`,
        labelNames: ['product'],
      },
    },
    read: async (db) => {
      const levels = await listStock(db, '', maxGauges);
      return {
        current_stock: levels.map((level) => ({
          labels: { product: level.sku },
          value: Number(available(level)),
        })),
      };
    },
  });
}

function reservationGauges(gauges: DatabaseGauges): void {
  gauges.register({
    // The query is an index-only scan of reservations_by_state. For 200,000 reservations it reads 1.4 MB in 22 ms.
    ttlMs: countTtlMs,
    gauges: {
      inventory_reservations_by_state: {
        help: 'Reservations by state, from the database.',
        labelNames: ['state'],
      },
    },
    read: async (db) => {
      const counts = new Map((await countByState(db)).map((count) => [count.state, count.reservations]));
      return {
        inventory_reservations_by_state: reservationStates.map((state) => ({
          labels: { state },
          value: counts.get(state) ?? 0,
        })),
      };
    },
  });
  gauges.register({
    gauges: {
      inventory_reservations_overdue: { help: 'Expired reservations that are not swept yet.' },
      inventory_oldest_reservation_age_seconds: {
        help: 'Age of the oldest open or overdue reservation; 0 if there is none.',
      },
    },
    read: async (db) => {
      const { overdue, oldestSeconds } = await readOpenReservations(db);
      return {
        inventory_reservations_overdue: [{ value: overdue }],
        inventory_oldest_reservation_age_seconds: [{ value: oldestSeconds }],
      };
    },
  });
}
