/** States of a reservation, documented in `api/proto/inventory/v1`. */
export const reservationStates = [
  'RESERVED',
  'COMMITTED',
  'RELEASED',
  'RETURNED',
  'EXPIRED',
  'REFUSED',
] as const;

export type ReservationState = (typeof reservationStates)[number];

/** Units of one SKU. */
export interface StockLine {
  readonly sku: string;
  readonly quantity: bigint;
}

/** A line that exceeds the available stock. Field names must not change, because reservations store shortages. */
export interface Shortage {
  readonly sku: string;
  readonly wanted: number;
  readonly available: number;
  /** False when the SKU was never stocked. */
  readonly stocked: boolean;
}

export interface Reservation {
  readonly id: string;
  readonly state: ReservationState;
  /** Sorted by SKU, one line per SKU. A tombstone has no lines. */
  readonly lines: readonly StockLine[];
  readonly expiresAt: Date | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Operator that released the reservation or returned its stock; undefined if a service did. */
  readonly releasedBy?: string | undefined;
  readonly releaseReason?: string | undefined;
  /** Fingerprint of the ReserveStock request; undefined for a tombstone. */
  readonly fingerprint: Buffer | undefined;
  /** Shortages for which ReserveStock, or CommitReservation after the expiry, was rejected permanently. */
  readonly shortages: readonly Shortage[] | undefined;
}

export interface StockLevel {
  readonly sku: string;
  readonly onHand: bigint;
  /** Units in open reservations. Only a level that was read under lock includes expired reservations. */
  readonly reserved: bigint;
  /** Increases with every stored change. */
  readonly revision: bigint;
  readonly updatedAt: Date;
  readonly audit?: StockAudit;
}

/** One change of `on_hand`. */
export interface StockMovement {
  /** Later movements have greater ids. */
  readonly id: bigint;
  readonly sku: string;
  readonly delta: bigint;
  readonly kind: 'ADJUST' | 'COMMIT' | 'RETURN';
  /** Reservation of a commit or return; '' for an adjustment. */
  readonly reservationId: string;
  /** Operator of an adjustment or return; may be ''. */
  readonly actor: string;
  readonly reason: string;
  readonly createdAt: Date;
}

/** `movementsSum` must equal `onHand`, and `openReservationsSum` must equal `reserved`. */
export interface StockAudit {
  readonly movementsSum: bigint;
  readonly openReservationsSum: bigint;
  readonly committedSum: bigint;
}

export const limits = {
  /** Maximum number of lines of a reservation. */
  lines: 100,
  /** Maximum number of units of one SKU in a reservation. */
  quantity: 1_000_000n,
  ttlMs: { min: 1000, max: 86_400_000 },
  /** Maximum absolute value of an adjustment. */
  delta: 1_000_000_000n,
  /** Highest `on_hand` after an adjustment: `Number.MAX_SAFE_INTEGER`. */
  onHand: 9_007_199_254_740_991n,
  /**
   * Lines on a page of reservations. A line has at most 74 bytes on the wire and a reservation, with actor and reason, at
   * most 1.5 kB, so that a page of 1,000 reservations stays below 3 MiB. A page of movements has at most 1.5 MiB.
   */
  pageLines: 21_000,
  batchSkus: 1000,
  watchedSkus: 100,
} as const;

export function available(level: Pick<StockLevel, 'onHand' | 'reserved'>): bigint {
  return level.onHand - level.reserved;
}

/** Compares SKUs byte by byte, as the database does (collation "C"). */
export function compareSkus(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Sums the quantities of equal SKUs. Returns one line per SKU, sorted by SKU. */
export function mergeLines(lines: readonly StockLine[]): StockLine[] {
  const sums = new Map<string, bigint>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0n) + quantity);
  return [...sums]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .toSorted((a, b) => compareSkus(a.sku, b.sku));
}

/** Whether two lists of lines, each sorted by SKU, are equal. */
export function areSameLines(a: readonly StockLine[], b: readonly StockLine[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ sku, quantity }, index) => sku === b[index]?.sku && quantity === b[index].quantity)
  );
}

/** Returns the lines that exceed the available stock in `levels`. A SKU without a level was never stocked. */
export function shortagesOf(
  lines: readonly StockLine[],
  levels: readonly Pick<StockLevel, 'sku' | 'onHand' | 'reserved'>[],
): Shortage[] {
  const bySku = new Map(levels.map((level) => [level.sku, level]));
  return lines.flatMap(({ sku, quantity }) => {
    const level = bySku.get(sku);
    const availableUnits = level ? available(level) : 0n;
    if (availableUnits >= quantity) return [];
    return [
      { sku, wanted: Number(quantity), available: Number(availableUnits), stocked: level !== undefined },
    ];
  });
}

/**
 * Reason why a commit changed nothing. RECOMMIT means that the reservation has expired, but can still be committed if
 * all of its stock is available.
 */
export type UnchangedCommit = 'ALREADY_COMMITTED' | 'RELEASED' | 'EXPIRED' | 'ILLEGAL' | 'RECOMMIT';

/** A rejected commit stays rejected, even after the reservation is released. */
export function unchangedCommit({
  state,
  shortages,
}: Pick<Reservation, 'state' | 'shortages'>): UnchangedCommit {
  switch (state) {
    case 'COMMITTED':
      return 'ALREADY_COMMITTED';
    case 'REFUSED':
      return 'ILLEGAL';
    case 'RESERVED':
    case 'EXPIRED':
      return shortages ? 'EXPIRED' : 'RECOMMIT';
    case 'RELEASED':
    case 'RETURNED':
      return shortages ? 'EXPIRED' : 'RELEASED';
  }
}

/** The values are stored with the idempotency key and do not change. */
export type AdjustmentError = 'STOCK_NOT_FOUND' | 'STOCK_BELOW_RESERVED' | 'TOO_MUCH_STOCK';

/** Returns the reason to reject `delta`, if any. `level` is undefined for a SKU that was never stocked. */
export function adjustmentError(
  level: Pick<StockLevel, 'onHand' | 'reserved'> | undefined,
  delta: bigint,
): AdjustmentError | undefined {
  if (level === undefined) return delta < 0n ? 'STOCK_NOT_FOUND' : undefined;
  const onHand = level.onHand + delta;
  if (delta > 0n && onHand > limits.onHand) return 'TOO_MUCH_STOCK';
  return onHand < level.reserved ? 'STOCK_BELOW_RESERVED' : undefined;
}
