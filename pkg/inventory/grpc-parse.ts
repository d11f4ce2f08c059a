import { Validation, textRules } from '../errors/index.js';
import type { Duration } from '../pb/google/protobuf/duration.js';
import {
  StockView,
  type AdjustStockRequest,
  type BatchGetStockRequest,
  type GetStockRequest,
  type ListReservationsRequest,
  type ListStockMovementsRequest,
  type ListStockRequest,
  type ReleaseReservationRequest,
  type ReserveStockRequest,
  type StockItem,
  type WatchStockRequest,
} from '../pb/inventory/v1/inventory.js';
import { decodePageToken, encodePageToken, invalidToken, pageSizeOf, pageSizes } from '../rpc/index.js';
import { compareSkus, limits, mergeLines } from './domain.js';
import { stateFromWire } from './grpc-wire.js';
import type { MovementQuery, ReservationQuery } from './listing-store.js';
import type { Release, ReserveInput } from './service.js';
import type { Adjustment } from './stock-store.js';

export function parseReserve({ reservationId, items, ttl }: ReserveStockRequest): ReserveInput {
  const check = new Validation();
  check.text('reservation_id', reservationId, textRules.uuid);
  checkItems(check, items);
  const ttlMs = ttl && checkTtl(check, ttl);
  check.throwIfAny();
  const lines = mergeLines(items);
  for (const { sku, quantity } of lines) {
    check.require(
      quantity <= limits.quantity,
      'items',
      `the quantities of ${sku} must add up to at most ${limits.quantity}`,
    );
  }
  check.throwIfAny();
  return { id: reservationId, lines, ttlMs };
}

function checkItems(check: Validation, items: readonly StockItem[]): void {
  if (items.length === 0) check.fail('items', 'is required');
  if (items.length > limits.lines) return check.fail('items', `must have at most ${limits.lines} lines`);
  for (const [index, { sku, quantity }] of items.entries()) {
    check.text(`items[${index}].sku`, sku, textRules.sku);
    check.require(
      quantity >= 1n && quantity <= limits.quantity,
      `items[${index}].quantity`,
      `must be from 1 to ${limits.quantity}`,
    );
  }
}

function checkTtl(check: Validation, { seconds, nanos }: Duration): number {
  const { min, max } = limits.ttlMs;
  const ms = Number(seconds) * 1000 + nanos / 1_000_000;
  check.require(ms >= min && ms <= max && nanos >= 0 && nanos < 1e9, 'ttl', 'must be from 1s to 24h');
  return Math.round(ms);
}

export function parseReservationId({ reservationId }: { readonly reservationId: string }): string {
  const check = new Validation();
  check.text('reservation_id', reservationId, textRules.uuid);
  check.throwIfAny();
  return reservationId;
}

export function parseRelease({ reservationId, actor, reason }: ReleaseReservationRequest): Release {
  const check = new Validation();
  const id = check.text('reservation_id', reservationId, textRules.uuid);
  check.text('actor', actor ?? '', { ...textRules.actor, optional: true });
  check.text('reason', reason ?? '', { ...textRules.actorReason, optional: true });
  check.throwIfAny();
  return { id, actor: actor || undefined, reason: reason || undefined };
}

export interface StockQuery {
  /** Sorted, without duplicates. */
  readonly skus: readonly string[];
  readonly withAudit: boolean;
}

export function parseGetStock({ sku, view }: GetStockRequest): StockQuery {
  const check = new Validation();
  check.text('sku', sku, textRules.sku);
  checkView(check, view);
  check.throwIfAny();
  return { skus: [sku], withAudit: view === StockView.AUDIT };
}

export function parseBatchGetStock({ skus, view }: BatchGetStockRequest): StockQuery {
  const check = new Validation();
  checkSkus(check, skus, limits.batchSkus);
  checkView(check, view);
  check.throwIfAny();
  return { skus: unique(skus), withAudit: view === StockView.AUDIT };
}

export function parseWatchStock({ skus }: WatchStockRequest): readonly string[] {
  const check = new Validation();
  checkSkus(check, skus, limits.watchedSkus);
  check.throwIfAny();
  return unique(skus);
}

export interface StockPage {
  /** SKU after which the page starts; '' for the first page. */
  readonly after: string;
  readonly size: number;
}

/** Part of every page token, so that ListStock rejects the page tokens of other methods. */
const listing = ['inventory.v1.InventoryService/ListStock'];

export function parseListStock({ pageSize, pageToken }: ListStockRequest): StockPage {
  const check = new Validation();
  checkPageSize(check, pageSize);
  check.throwIfAny();
  const [after = ''] = decodePageToken(pageToken, 1, listing) ?? [];
  if (after !== '' && !textRules.sku.pattern.test(after)) throw invalidToken();
  return { after, size: pageSizeOf(pageSize) };
}

/** Token of the page that starts after `sku`. */
export function pageTokenAfter(sku: string): string {
  return encodePageToken([sku], listing);
}

function movementListing(sku: string): string[] {
  return ['inventory.v1.InventoryService/ListStockMovements', sku];
}

export function parseListMovements(request: ListStockMovementsRequest): MovementQuery {
  const { pageSize, pageToken, sku } = request;
  const check = new Validation();
  checkPageSize(check, pageSize);
  check.text('sku', sku, { ...textRules.sku, optional: true });
  check.throwIfAny();
  const [after = '0'] = decodePageToken(pageToken, 1, movementListing(sku)) ?? [];
  if (!/^(0|[1-9]\d{0,17})$/.test(after)) throw invalidToken();
  return { sku, after: BigInt(after), size: pageSizeOf(pageSize) };
}

/** Token of the page that starts after the movement `id`. */
export function movementTokenAfter(id: bigint, { sku }: Pick<MovementQuery, 'sku'>): string {
  return encodePageToken([String(id)], movementListing(sku));
}

function reservationListing(state: ReservationQuery['state']): string[] {
  return ['inventory.v1.InventoryService/ListReservations', state ?? ''];
}

export function parseListReservations(request: ListReservationsRequest): ReservationQuery {
  const { pageSize, pageToken } = request;
  const check = new Validation();
  checkPageSize(check, pageSize);
  const state = stateFromWire(request.state);
  if (state === 'unknown') check.fail('state', 'is not a known state');
  check.throwIfAny();
  const filter = state === 'unknown' ? undefined : state;
  const [after] = decodePageToken(pageToken, 1, reservationListing(filter)) ?? [];
  if (after !== undefined && !textRules.uuid.pattern.test(after)) throw invalidToken();
  return { state: filter, after, size: pageSizeOf(pageSize) };
}

/** Token of the page that starts after the reservation `id`. */
export function reservationTokenAfter(id: string, { state }: Pick<ReservationQuery, 'state'>): string {
  return encodePageToken([id], reservationListing(state));
}

function checkPageSize(check: Validation, pageSize: number): void {
  const { maximum } = pageSizes;
  check.require(pageSize >= 0 && pageSize <= maximum, 'page_size', `must be from 0 to ${maximum}`);
}

export function parseAdjust({ requestId, sku, delta, reason, actor = '' }: AdjustStockRequest): Adjustment {
  const check = new Validation();
  check.text('request_id', requestId, textRules.requestId);
  check.text('sku', sku, textRules.sku);
  check.text('reason', reason, { ...textRules.actorReason, optional: true });
  check.text('actor', actor, { ...textRules.actor, optional: true });
  check.require(
    delta !== 0n && delta <= limits.delta && delta >= -limits.delta,
    'delta',
    `must be from -${limits.delta} to ${limits.delta} and not 0`,
  );
  check.throwIfAny();
  return { requestId, sku, delta, reason, actor };
}

function checkSkus(check: Validation, skus: readonly string[], max: number): void {
  if (skus.length === 0) check.fail('skus', 'is required');
  if (skus.length > max) return check.fail('skus', `must have at most ${max} SKUs`);
  for (const [index, sku] of skus.entries()) check.text(`skus[${index}]`, sku, textRules.sku);
}

function checkView(check: Validation, view: StockView): void {
  const known = view === StockView.UNSPECIFIED || view === StockView.BASIC || view === StockView.AUDIT;
  check.require(known, 'view', 'must be a known view');
}

function unique(skus: readonly string[]): string[] {
  return [...new Set(skus)].toSorted(compareSkus);
}
