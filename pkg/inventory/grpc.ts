import { annotateCall } from '../observability/index.js';
import {
  InventoryServiceService,
  type ListReservationsResponse,
  type ListStockMovementsResponse,
  type ListStockResponse,
} from '../pb/inventory/v1/inventory.js';
import { batchOf, handler, implement, type BoundService } from '../rpc/index.js';
import type { Reservation, StockLevel, StockMovement } from './domain.js';
import {
  movementTokenAfter,
  pageTokenAfter,
  parseAdjust,
  parseBatchGetStock,
  parseGetStock,
  parseListMovements,
  parseListReservations,
  parseListStock,
  parseRelease,
  parseReservationId,
  parseReserve,
  parseWatchStock,
  reservationTokenAfter,
} from './grpc-parse.js';
import { levelToWire, movementToWire, reservationToWire } from './grpc-wire.js';
import { stockNotFound } from './errors.js';
import type { MovementQuery, Page, ReservationQuery } from './listing-store.js';
import type { InventoryService } from './service.js';
import type { StockWatch } from './watch/stock-watch.js';

const batchMethods = {
  batchReserveStock: batchOf('reserveStock'),
  batchCommitReservations: batchOf('commitReservation'),
  batchReleaseReservations: batchOf('releaseReservation'),
} as const;

/** Handlers of `inventory.v1.InventoryService`. */
export function inventoryHandlers(inventory: InventoryService, watch: StockWatch): BoundService {
  return implement(InventoryServiceService, {
    reserveStock: handler(parseReserve, async (input, context) => {
      annotateId(input.id);
      return toResponse(await inventory.reserve(input, context));
    }),
    commitReservation: handler(parseReservationId, async (id, context) => {
      annotateId(id);
      return toResponse(await inventory.commit(id, context));
    }),
    releaseReservation: handler(parseRelease, async (release, context) => {
      annotateId(release.id);
      if (release.actor !== undefined) annotateCall({ actor: release.actor });
      return toResponse(await inventory.release(release, context));
    }),
    ...batchMethods,
    getReservation: handler(parseReservationId, async (id, context) => {
      annotateId(id);
      return toResponse(await inventory.getReservation(id, context));
    }),
    getStock: handler(parseGetStock, async ({ skus, withAudit }, context) => {
      annotateSkus(skus);
      const [level] = await inventory.getStock(skus, withAudit, context);
      if (!level) throw stockNotFound(skus);
      return { stock: levelToWire(level) };
    }),
    batchGetStock: handler(parseBatchGetStock, async ({ skus, withAudit }, context) => {
      annotateSkus(skus);
      const levels = await inventory.getStock(skus, withAudit, context);
      return { stock: levels.map(levelToWire), missingSkus: missing(skus, levels) };
    }),
    listStock: handler(parseListStock, async ({ after, size }, context) =>
      stockPage(size, await inventory.listStock(after, size + 1, context)),
    ),
    listStockMovements: handler(parseListMovements, async (query, context) =>
      movementPage(query, await inventory.listMovements(query, context)),
    ),
    listReservations: handler(parseListReservations, async (query, context) =>
      reservationPage(query, await inventory.listReservations(query, context)),
    ),
    adjustStock: handler(parseAdjust, async (adjustment, context) => {
      annotateSkus([adjustment.sku]);
      return { stock: levelToWire(await inventory.adjust(adjustment, context)) };
    }),
    watchStock: handler(parseWatchStock, async function* watchStock(skus, { signal }) {
      annotateSkus(skus);
      for await (const level of watch.watch(skus, signal)) yield { stock: levelToWire(level) };
    }),
  });
}

/** Handlers annotate the id before the operation, so that the log line of a failed call also has the id. */
function annotateId(id: string): void {
  annotateCall({ reservation_id: id }, { 'inventory.reservation_id': id });
}

function toResponse(reservation: Reservation): { reservation: ReturnType<typeof reservationToWire> } {
  const { state } = reservation;
  annotateCall({ reservation_state: state }, { 'inventory.reservation_state': state });
  return { reservation: reservationToWire(reservation) };
}

/** Annotates the call with its SKU, or with the number of SKUs if the call has several. */
function annotateSkus(skus: readonly string[]): void {
  const [sku] = skus;
  if (sku !== undefined && skus.length === 1) annotateCall({ sku }, { 'inventory.sku': sku });
  else annotateCall({ sku_count: skus.length }, { 'inventory.sku_count': skus.length });
}

function stockPage(size: number, levels: readonly StockLevel[]): ListStockResponse {
  const page = levels.slice(0, size);
  const last = levels.length > size ? page.at(-1) : undefined;
  return { stock: page.map(levelToWire), nextPageToken: last ? pageTokenAfter(last.sku) : '' };
}

function movementPage(
  query: MovementQuery,
  { items, hasMore }: Page<StockMovement>,
): ListStockMovementsResponse {
  const last = hasMore ? items.at(-1) : undefined;
  return {
    movements: items.map(movementToWire),
    nextPageToken: last ? movementTokenAfter(last.id, query) : '',
  };
}

function reservationPage(
  query: ReservationQuery,
  { items, hasMore }: Page<Reservation>,
): ListReservationsResponse {
  const last = hasMore ? items.at(-1) : undefined;
  return {
    reservations: items.map(reservationToWire),
    nextPageToken: last ? reservationTokenAfter(last.id, query) : '',
  };
}

function missing(skus: readonly string[], levels: readonly StockLevel[]): string[] {
  const known = new Set(levels.map(({ sku }) => sku));
  return skus.filter((sku) => !known.has(sku));
}
