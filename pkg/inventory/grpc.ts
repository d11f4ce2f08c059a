import { annotateCall } from '../observability/index.js';
import { InventoryServiceService } from '../pb/inventory/v1/inventory.js';
import { handler, implement, type BoundService } from '../rpc/index.js';
import type { StockLevel } from './domain.js';
import {
  pageTokenAfter,
  parseAdjust,
  parseBatchGetStock,
  parseGetStock,
  parseListStock,
  parseReservationId,
  parseReserve,
  parseWatchStock,
} from './grpc-parse.js';
import { levelToWire, reservationToWire } from './grpc-wire.js';
import { stockNotFound } from './refusals.js';
import type { InventoryService } from './service.js';
import type { StockWatch } from './stock-watch.js';

/** `inventory.v1.InventoryService` over the business. */
export function inventoryHandlers(inventory: InventoryService, watch: StockWatch): BoundService {
  return implement(InventoryServiceService, {
    reserveStock: handler(parseReserve, async (input) => {
      annotate(input.id);
      return { reservation: reservationToWire(await inventory.reserve(input)) };
    }),
    commitReservation: handler(parseReservationId, async (id) => {
      annotate(id);
      return { reservation: reservationToWire(await inventory.commit(id)) };
    }),
    releaseReservation: handler(parseReservationId, async (id) => {
      annotate(id);
      return { reservation: reservationToWire(await inventory.release(id)) };
    }),
    getReservation: handler(parseReservationId, async (id) => {
      annotate(id);
      return { reservation: reservationToWire(await inventory.getReservation(id)) };
    }),
    getStock: handler(parseGetStock, async ({ skus, withAudit }) => {
      const [level] = await inventory.getStock(skus, withAudit);
      if (!level) throw stockNotFound(skus);
      return { stock: levelToWire(level) };
    }),
    batchGetStock: handler(parseBatchGetStock, async ({ skus, withAudit }) => {
      const levels = await inventory.getStock(skus, withAudit);
      return { stock: levels.map(levelToWire), missingSkus: without(skus, levels) };
    }),
    listStock: handler(parseListStock, async ({ after, size }) => {
      const levels = await inventory.listStock(after, size + 1);
      const page = levels.slice(0, size);
      const last = levels.length > size ? page.at(-1) : undefined;
      return { stock: page.map(levelToWire), nextPageToken: last ? pageTokenAfter(last.sku) : '' };
    }),
    adjustStock: handler(parseAdjust, async (adjustment) => {
      annotateCall({ sku: adjustment.sku }, { 'inventory.sku': adjustment.sku });
      return { stock: levelToWire(await inventory.adjust(adjustment)) };
    }),
    watchStock: handler(parseWatchStock, async function* watchStock(skus, { signal }) {
      for await (const level of watch.watch(skus, signal)) yield { stock: levelToWire(level) };
    }),
  });
}

function annotate(id: string): void {
  annotateCall({ reservation_id: id }, { 'inventory.reservation_id': id });
}

function without(skus: readonly string[], levels: readonly StockLevel[]): string[] {
  const known = new Set(levels.map(({ sku }) => sku));
  return skus.filter((sku) => !known.has(sku));
}
