import { inBackgroundSpan } from '../observability/index.js';
import type { Database } from '../postgres/index.js';
import { fingerprint } from '../postgres/index.js';
import { adjustStock } from './adjust-stock.js';
import { auditStock } from './audit-store.js';
import type { ChangeListener, ClaimStatus } from './changes.js';
import { commitClaim, type Attempted } from './commit-store.js';
import { commitAnswer, type Reservation, type StockLevel, type StockLine } from './domain.js';
import { expireClaimsOn, sweepExpired, type ExpiredClaim } from './expiry-store.js';
import * as refusals from './refusals.js';
import { releaseClaim } from './release-store.js';
import { findReservation } from './reservation-store.js';
import { reserveStock, type ReserveRequest } from './reserve-store.js';
import { listStock, readStock, type Adjustment } from './stock-store.js';
import { takeAgain } from './take-again.js';

export interface InventoryServiceDeps {
  readonly db: Database;
  /** Life of a claim whose caller does not say, milliseconds. */
  readonly defaultTtlMs: number;
  readonly onChange: ChangeListener;
}

export interface ReserveInput {
  readonly id: string;
  /** In SKU order, one a SKU. */
  readonly lines: readonly StockLine[];
  /** Undefined: the default. */
  readonly ttlMs: number | undefined;
}

/** Attempts of a call that meets others at work on the same claims. */
const attempts = 10;
/** Claims ended by one statement: it holds the locks of all their SKUs. */
const expiryBatch = 200;

/** Stock and the claims on it. Expiry counts from the moment it is due, swept or not. */
export class InventoryService {
  readonly #deps: InventoryServiceDeps;

  constructor(deps: InventoryServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Claims all lines or none, once for each id.
   * @throws AppError OUT_OF_STOCK, RESERVATION_RELEASED, REQUEST_ID_REUSED, CONFLICT
   */
  async reserve({ id, lines, ttlMs }: ReserveInput): Promise<Reservation> {
    const body = { lines: lines.map(({ sku, quantity }) => [sku, quantity]), ttlMs: ttlMs ?? null };
    const request: ReserveRequest = {
      id,
      lines,
      ttlMs: ttlMs ?? this.#deps.defaultTtlMs,
      fingerprint: fingerprint(body),
    };
    const reservation = await this.#unlessHeld(lines, () => reserveStock(this.#deps.db, request));
    return reservation ? this.#firstAnswer(reservation) : this.#repeat(request);
  }

  /**
   * Withdraws what is claimed; takes it again if the claim has expired.
   * @throws AppError RESERVATION_NOT_FOUND, RESERVATION_EXPIRED, RESERVATION_RELEASED, ILLEGAL_TRANSITION
   */
  async commit(id: string): Promise<Reservation> {
    const { db } = this.#deps;
    let attempted = await commitClaim(db, id);
    if (attempted && commitAnswer(attempted.reservation) === 'TAKE_AGAIN') {
      const { lines } = attempted.reservation;
      attempted = await this.#unlessHeld(lines, () => db.transaction((tx) => takeAgain(tx, id)));
    }
    if (!attempted) throw refusals.reservationNotFound(id);
    const { reservation, changed } = attempted;
    if (changed) this.#announce('committed', id, skusOf(reservation));
    return committed(reservation);
  }

  /** Gives back what is claimed or was withdrawn, or makes sure that it never will be. */
  async release(id: string): Promise<Reservation> {
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const attempted = await releaseClaim(this.#deps.db, id);
      if (attempted) return this.#released(attempted);
    }
    throw refusals.contended();
  }

  /** @throws AppError RESERVATION_NOT_FOUND */
  async getReservation(id: string): Promise<Reservation> {
    const reservation = await findReservation(this.#deps.db, id);
    if (!reservation) throw refusals.reservationNotFound(id);
    return reservation;
  }

  /** Levels of the SKUs that are stocked, in SKU order; the others are missing. */
  getStock(skus: readonly string[], withAudit: boolean): Promise<StockLevel[]> {
    const { db } = this.#deps;
    return withAudit ? auditStock(db, skus) : readStock(db, skus);
  }

  /** Up to `limit` levels after the SKU `after` ('' is before all), in SKU order. */
  listStock(after: string, limit: number): Promise<StockLevel[]> {
    return listStock(this.#deps.db, after, limit);
  }

  /**
   * Changes `on_hand`, once for each request id.
   * @throws AppError STOCK_BELOW_RESERVED, STOCK_NOT_FOUND, REQUEST_ID_REUSED, VALIDATION_FAILED
   */
  async adjust(adjustment: Adjustment): Promise<StockLevel> {
    const { sku, delta } = adjustment;
    const { level, isNew } = await this.#unlessHeld([adjustment], () =>
      adjustStock(this.#deps.db, adjustment),
    );
    if (isNew) this.#deps.onChange({ kind: 'adjustment', sku, delta });
    return level;
  }

  /** Ends the claims whose time is up and that nobody else is working on. */
  async sweep(signal?: AbortSignal): Promise<void> {
    let expired: readonly ExpiredClaim[];
    do {
      const startTime = Date.now();
      expired = await sweepExpired(this.#deps.db, expiryBatch);
      if (expired.length > 0) await this.#announceSwept(expired, startTime);
    } while (expired.length === expiryBatch && signal?.aborted !== true);
  }

  async #repeat({ id, fingerprint: asked }: ReserveRequest): Promise<Reservation> {
    const reservation = await findReservation(this.#deps.db, id);
    if (!reservation) throw refusals.contended();
    if (!reservation.fingerprint) throw refusals.reservationReleased(id);
    if (!reservation.fingerprint.equals(asked)) throw refusals.reservationIdReused(id);
    if (reservation.state === 'REFUSED') throw refusals.outOfStock(id, reservation.shortages ?? []);
    return reservation;
  }

  #firstAnswer(reservation: Reservation): Reservation {
    const { id, shortages } = reservation;
    if (!shortages) {
      this.#announce('reserved', id, skusOf(reservation));
      return reservation;
    }
    this.#announce(
      'refused',
      id,
      shortages.map(({ sku, stocked }) => (stocked ? sku : '')),
    );
    throw refusals.outOfStock(id, shortages);
  }

  #released({ reservation, changed }: Attempted): Reservation {
    const status = reservation.state === 'RETURNED' ? 'returned' : 'released';
    if (changed) this.#announce(status, reservation.id, skusOf(reservation));
    return reservation;
  }

  /** Runs `attempt` until no expired claim stands in its way, ending those that do. */
  async #unlessHeld<T>(
    lines: readonly { readonly sku: string }[],
    attempt: () => Promise<T | 'held'>,
  ): Promise<T> {
    const skus = lines.map(({ sku }) => sku);
    for (let tried = 1; tried <= attempts; tried += 1) {
      const result = await attempt();
      if (result !== 'held') return result;
      this.#announceExpired(await expireClaimsOn(this.#deps.db, skus, expiryBatch));
    }
    throw refusals.contended();
  }

  /** In a trace of its own, of which only now is known that there is something to show. */
  #announceSwept(expired: readonly ExpiredClaim[], startTime: number): Promise<void> {
    const attributes = { 'inventory.expired_reservations': expired.length };
    return inBackgroundSpan({ name: 'inventory.expire_reservations', attributes, startTime }, async () =>
      this.#announceExpired(expired),
    );
  }

  #announceExpired(claims: readonly ExpiredClaim[]): void {
    for (const { id, skus } of claims) this.#announce('expired', id, skus);
  }

  #announce(status: ClaimStatus, reservationId: string, skus: readonly string[]): void {
    this.#deps.onChange({ kind: 'claim', status, reservationId, skus });
  }
}

function skusOf({ lines }: Reservation): string[] {
  return lines.map(({ sku }) => sku);
}

function committed(reservation: Reservation): Reservation {
  const { id, state, shortages } = reservation;
  switch (commitAnswer(reservation)) {
    case 'ALREADY_COMMITTED':
      return reservation;
    case 'EXPIRED':
      throw refusals.reservationExpired(id, shortages ?? []);
    case 'RELEASED':
      throw refusals.reservationReleased(id);
    case 'ILLEGAL':
      throw refusals.illegalCommit(id, state);
    case 'TAKE_AGAIN':
      throw refusals.contended();
  }
}
