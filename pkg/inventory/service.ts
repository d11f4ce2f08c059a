import { inBackgroundSpan } from '../observability/index.js';
import { fingerprint, isSameRequest, type Database, type Queryable } from '../postgres/index.js';
import type { CallOptions } from '../rpc/index.js';
import { adjustStock } from './adjust-stock.js';
import type { ChangeListener, ReservationStatus } from './changes.js';
import { advanceCheckpoints } from './checkpoint-store.js';
import {
  areSameLines,
  unchangedCommit,
  type Reservation,
  type StockLevel,
  type StockLine,
  type StockMovement,
} from './domain.js';
import * as errors from './errors.js';
import {
  listMovements,
  listReservations,
  type MovementQuery,
  type Page,
  type ReservationQuery,
} from './listing-store.js';
import type { ReservationBatches } from './reservations/batches.js';
import { expireReservationsOf, sweepExpired, type ExpiredReservation } from './reservations/expiry-store.js';
import type { ReserveRequest } from './reservations/reserve-store.js';
import {
  recommitExpired,
  reservedByExpired,
  type ChangeResult,
  type ReservedByExpired,
} from './reservations/store.js';
import { auditStock, listStock, type Adjustment } from './stock-store.js';

export interface InventoryServiceDeps {
  readonly db: Database;
  readonly reservations: ReservationBatches;
  /** Lifetime of a reservation if the request has no `ttl`. */
  readonly defaultTtlMs: number;
  readonly onChange: ChangeListener;
}

export interface ReserveInput {
  readonly id: string;
  /** Sorted by SKU, one line per SKU. */
  readonly lines: readonly StockLine[];
  /** If undefined, the default lifetime applies. */
  readonly ttlMs: number | undefined;
}

export interface Release {
  readonly id: string;
  /** Operator; undefined when a service calls. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
}

/** Maximum attempts of a call that conflicts with concurrent calls or expired reservations. */
const maxAttempts = 10;
/** Maximum number of reservations that one statement expires. The statement locks the stock of all their SKUs. */
const expiryBatch = 200;

/** Stock and reservations. A reservation counts as expired from its expiry time on, even before it is swept. */
export class InventoryService {
  readonly #deps: InventoryServiceDeps;

  constructor(deps: InventoryServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Reserves all lines or rejects the request. A repeated request with the same id changes nothing.
   * @throws AppError OUT_OF_STOCK, RESERVATION_RELEASED, REQUEST_ID_REUSED, CONFLICT
   */
  async reserve({ id, lines, ttlMs }: ReserveInput, options: CallOptions): Promise<Reservation> {
    const db = this.#deps.db.within(options);
    const body = { lines: lines.map(({ sku, quantity }) => [sku, quantity]), ttlMs: ttlMs ?? null };
    const request: ReserveRequest = {
      id,
      lines,
      ttlMs: ttlMs ?? this.#deps.defaultTtlMs,
      fingerprint: fingerprint(body),
    };
    const result = await this.#retryOnContention(db, lines, () =>
      this.#deps.reservations.reserve(request, options),
    );
    return result === 'known' ? this.#repeatedResponse(request, options) : this.#firstResponse(result);
  }

  /**
   * Commits a reservation and deducts its stock. A swept reservation is committed if all of its stock is still
   * available.
   * @throws AppError RESERVATION_NOT_FOUND, RESERVATION_EXPIRED, RESERVATION_RELEASED, ILLEGAL_TRANSITION, CONFLICT
   */
  async commit(id: string, options: CallOptions): Promise<Reservation> {
    const db = this.#deps.db.within(options);
    let result = await this.#deps.reservations.settle({ id, action: 'COMMIT' }, options);
    if (result !== 'unknown' && unchangedCommit(result.reservation) === 'RECOMMIT') {
      const { lines } = result.reservation;
      result = await this.#retryOnContention(db, lines, () =>
        db.transaction((tx) => recommitExpired(tx, id)),
      );
    }
    if (result === 'unknown') throw errors.reservationNotFound(id);
    const { reservation, changed } = result;
    if (changed) this.#notify('committed', id, skusOf(reservation));
    return requireCommitted(reservation);
  }

  /**
   * Releases reserved stock or returns committed stock. Inserts a tombstone for an unknown id, so that a later reserve
   * is rejected.
   * @throws AppError CONFLICT
   */
  async release(release: Release, options: CallOptions): Promise<Reservation> {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const result = await this.#deps.reservations.settle({ ...release, action: 'RELEASE' }, options);
      if (result !== 'unknown') return this.#released(result);
    }
    throw errors.contended();
  }

  /** @throws AppError RESERVATION_NOT_FOUND */
  async getReservation(id: string, options: CallOptions): Promise<Reservation> {
    const reservation = await this.#deps.reservations.find(id, options);
    if (!reservation) throw errors.reservationNotFound(id);
    return reservation;
  }

  /** Returns the levels of the stocked SKUs among `skus`, sorted by SKU. */
  getStock(skus: readonly string[], withAudit: boolean, options: CallOptions): Promise<StockLevel[]> {
    if (withAudit) return auditStock(this.#deps.db.within(options), skus);
    return this.#deps.reservations.readLevels(skus, options);
  }

  /** Returns up to `limit` levels after the SKU `after`, sorted by SKU; '' starts at the first SKU. */
  listStock(after: string, limit: number, options: CallOptions): Promise<StockLevel[]> {
    return listStock(this.#deps.db.within(options), after, limit);
  }

  /** Lists movements, oldest first. */
  listMovements(query: MovementQuery, options: CallOptions): Promise<Page<StockMovement>> {
    return listMovements(this.#deps.db.within(options), query);
  }

  /** Lists reservations, sorted by id. A page may end early. */
  listReservations(query: ReservationQuery, options: CallOptions): Promise<Page<Reservation>> {
    return listReservations(this.#deps.db.within(options), query);
  }

  /**
   * Changes `on_hand`, once per request id.
   * @throws AppError STOCK_BELOW_RESERVED, STOCK_NOT_FOUND, REQUEST_ID_REUSED, VALIDATION_FAILED, CONFLICT
   */
  async adjust(adjustment: Adjustment, options: CallOptions): Promise<StockLevel> {
    const { sku, delta } = adjustment;
    const db = this.#deps.db.within(options);
    const { level, isNew } = await this.#retryOnContention(db, [adjustment], () =>
      adjustStock(db, adjustment),
    );
    if (isNew) this.#deps.onChange({ kind: 'adjustment', sku, delta });
    return level;
  }

  /** Expires all due reservations that no other transaction has locked. */
  async sweep(signal?: AbortSignal): Promise<void> {
    let expired: readonly ExpiredReservation[];
    do {
      const startTime = Date.now();
      expired = await sweepExpired(this.#deps.db, expiryBatch);
      if (expired.length > 0) await this.#traceSweep(expired, startTime);
    } while (expired.length === expiryBatch && signal?.aborted !== true);
  }

  /** Moves the checkpoints of the SKUs whose levels have changed often, so that audits read few movements. */
  async advanceCheckpoints(signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true) if (!(await advanceCheckpoints(this.#deps.db))) return;
  }

  async #repeatedResponse(request: ReserveRequest, options: CallOptions): Promise<Reservation> {
    const { id } = request;
    const reservation = await this.#deps.reservations.find(id, options);
    if (!reservation) throw errors.contended();
    if (!reservation.fingerprint) throw errors.reservationReleased(id);
    const hasSameLines = (): boolean => areSameLines(reservation.lines, request.lines);
    if (!isSameRequest(reservation.fingerprint, request.fingerprint, hasSameLines))
      throw errors.reservationIdReused(id);
    if (reservation.state === 'REFUSED') throw errors.outOfStock(id, reservation.shortages ?? []);
    return reservation;
  }

  #firstResponse(reservation: Reservation): Reservation {
    const { id, shortages } = reservation;
    if (!shortages) {
      this.#notify('reserved', id, skusOf(reservation));
      return reservation;
    }
    this.#notify(
      'refused',
      id,
      shortages.map(({ sku, stocked }) => (stocked ? sku : '')),
    );
    throw errors.outOfStock(id, shortages);
  }

  #released({ reservation, changed }: ChangeResult): Reservation {
    const status = reservation.state === 'RETURNED' ? 'returned' : 'released';
    if (changed) this.#notify(status, reservation.id, skusOf(reservation));
    return reservation;
  }

  /**
   * Repeats `attempt` while it returns {@link reservedByExpired}. Before each repetition, expires due reservations
   * of the SKUs.
   * @throws AppError CONFLICT after the last attempt
   */
  async #retryOnContention<T>(
    db: Queryable,
    lines: readonly { readonly sku: string }[],
    attempt: () => Promise<T | ReservedByExpired>,
  ): Promise<T> {
    const skus = lines.map(({ sku }) => sku);
    for (let count = 1; count <= maxAttempts; count += 1) {
      const result = await attempt();
      if (result !== reservedByExpired) return result;
      this.#notifyExpired(await expireReservationsOf(db, skus, expiryBatch));
    }
    throw errors.contended();
  }

  /** Opens the span after the sweep, so that only a sweep that expires reservations gets a trace. */
  #traceSweep(expired: readonly ExpiredReservation[], startTime: number): Promise<void> {
    const attributes = { 'inventory.expired_reservations': expired.length };
    return inBackgroundSpan({ name: 'inventory.expire_reservations', attributes, startTime }, async () =>
      this.#notifyExpired(expired),
    );
  }

  #notifyExpired(reservations: readonly ExpiredReservation[]): void {
    for (const { id, skus } of reservations) this.#notify('expired', id, skus);
  }

  #notify(status: ReservationStatus, reservationId: string, skus: readonly string[]): void {
    this.#deps.onChange({ kind: 'reservation', status, reservationId, skus });
  }
}

function skusOf({ lines }: Reservation): string[] {
  return lines.map(({ sku }) => sku);
}

/** @throws AppError for a reservation that is not committed */
function requireCommitted(reservation: Reservation): Reservation {
  const { id, state, shortages } = reservation;
  switch (unchangedCommit(reservation)) {
    case 'ALREADY_COMMITTED':
      return reservation;
    case 'EXPIRED':
      throw errors.reservationExpired(id, shortages ?? []);
    case 'RELEASED':
      throw errors.reservationReleased(id);
    case 'ILLEGAL':
      throw errors.illegalCommit(id, state);
    case 'RECOMMIT':
      throw errors.contended();
  }
}
