import { annotateCall } from '../observability/index.js';
import { InventoryServiceService } from '../pb/inventory/v1/inventory.js';
import { handler, implement, type BoundService } from '../rpc/index.js';
import type { Reservation, StockLevel } from './domain.js';
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
      return answer(await inventory.reserve(input));
    }),
    commitReservation: handler(parseReservationId, async (id) => {
      annotate(id);
      return answer(await inventory.commit(id));
    }),
    releaseReservation: handler(parseReservationId, async (id) => {
      annotate(id);
      return answer(await inventory.release(id));
    }),
    getReservation: handler(parseReservationId, async (id) => {
      annotate(id);
      return answer(await inventory.getReservation(id));
    }),
    getStock: handler(parseGetStock, async ({ skus, withAudit }) => {
      annotateSkus(skus);
      const [level] = await inventory.getStock(skus, withAudit);
      if (!level) throw stockNotFound(skus);
      return { stock: levelToWire(level) };
    }),
    batchGetStock: handler(parseBatchGetStock, async ({ skus, withAudit }) => {
      annotateSkus(skus);
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
      annotateSkus([adjustment.sku]);
      return { stock: levelToWire(await inventory.adjust(adjustment)) };
    }),
    watchStock: handler(parseWatchStock, async function* watchStock(skus, { signal }) {
      annotateSkus(skus);
      for await (const level of watch.watch(skus, signal)) yield { stock: levelToWire(level) };
    }),
  });
}

/** Also a call that fails is found by its reservation. */
function annotate(id: string): void {
  annotateCall({ reservation_id: id }, { 'inventory.reservation_id': id });
}

function answer(reservation: Reservation): { reservation: ReturnType<typeof reservationToWire> } {
  const { state } = reservation;
  annotateCall({ reservation_state: state }, { 'inventory.reservation_state': state });
  return { reservation: reservationToWire(reservation) };
}

/** One by its name, many by their number. */
function annotateSkus(skus: readonly string[]): void {
  const [sku] = skus;
  if (sku !== undefined && skus.length === 1) annotateCall({ sku }, { 'inventory.sku': sku });
  else annotateCall({ sku_count: skus.length }, { 'inventory.sku_count': skus.length });
}

function without(skus: readonly string[], levels: readonly StockLevel[]): string[] {
  const known = new Set(levels.map(({ sku }) => sku));
  return skus.filter((sku) => !known.has(sku));
}
