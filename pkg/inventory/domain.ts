/** Life of a reservation; `api/proto/inventory/v1` explains each state. */
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

/** A SKU of which there is too little. */
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
  /** In SKU order, one a SKU; none on a tombstone. */
  readonly lines: readonly StockLine[];
  readonly expiresAt: Date | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Of the request that made it; none on a tombstone. */
  readonly fingerprint: Buffer | undefined;
  /** Why the reserve, or the commit after expiry, was refused for good. */
  readonly shortages: readonly Shortage[] | undefined;
}

export interface StockLevel {
  readonly sku: string;
  readonly onHand: bigint;
  /** Expired claims do not count. */
  readonly reserved: bigint;
  /** Grows with every stored change. */
  readonly revision: bigint;
  readonly updatedAt: Date;
  readonly audit?: StockAudit;
}

/** The same facts from the records. */
export interface StockAudit {
  readonly movementsSum: bigint;
  readonly openReservationsSum: bigint;
  readonly committedSum: bigint;
}

export const limits = {
  /** Lines of one reservation. */
  lines: 100,
  /** Units of one SKU in one reservation. */
  quantity: 1_000_000n,
  ttlMs: { min: 1000, max: 86_400_000 },
  /** Magnitude of one adjustment. */
  delta: 1_000_000_000n,
  /** `on_hand` to which adjustments may raise; exact also where numbers are doubles. */
  onHand: 9_007_199_254_740_991n,
  reasonLength: 200,
  batchSkus: 1000,
  watchedSkus: 100,
} as const;

export function available(level: Pick<StockLevel, 'onHand' | 'reserved'>): bigint {
  return level.onHand - level.reserved;
}

/** SKUs compare by their bytes, as in the database. */
export function compareSkus(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** One line a SKU, in SKU order; quantities of equal SKUs are summed. */
export function mergeLines(lines: readonly StockLine[]): StockLine[] {
  const sums = new Map<string, bigint>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0n) + quantity);
  return [...sums]
    .map(([sku, quantity]) => ({ sku, quantity }))
    .toSorted((a, b) => compareSkus(a.sku, b.sku));
}

/** Which lines cannot be taken from `levels`. */
export function shortagesOf(
  lines: readonly StockLine[],
  levels: readonly Pick<StockLevel, 'sku' | 'onHand' | 'reserved'>[],
): Shortage[] {
  const bySku = new Map(levels.map((level) => [level.sku, level]));
  return lines.flatMap(({ sku, quantity }) => {
    const level = bySku.get(sku);
    const left = level ? available(level) : 0n;
    if (left >= quantity) return [];
    return [{ sku, wanted: Number(quantity), available: Number(left), stocked: level !== undefined }];
  });
}

/** What a commit of a reservation in this state answers when it changes nothing. */
export type CommitAnswer = 'ALREADY_COMMITTED' | 'RELEASED' | 'EXPIRED' | 'ILLEGAL' | 'TAKE_AGAIN';

/** A refused commit stays refused, whatever became of the reservation since. */
export function commitAnswer({ state, shortages }: Pick<Reservation, 'state' | 'shortages'>): CommitAnswer {
  switch (state) {
    case 'COMMITTED':
      return 'ALREADY_COMMITTED';
    case 'REFUSED':
      return 'ILLEGAL';
    case 'RESERVED':
    case 'EXPIRED':
      return shortages ? 'EXPIRED' : 'TAKE_AGAIN';
    case 'RELEASED':
    case 'RETURNED':
      return shortages ? 'EXPIRED' : 'RELEASED';
  }
}

export type AdjustmentRefusal = 'STOCK_NOT_FOUND' | 'STOCK_BELOW_RESERVED' | 'TOO_MUCH_STOCK';

/** Why stock cannot be changed by `delta`, if so; `level` is undefined for a SKU never stocked. */
export function adjustmentRefusal(
  level: Pick<StockLevel, 'onHand' | 'reserved'> | undefined,
  delta: bigint,
): AdjustmentRefusal | undefined {
  if (level === undefined) return delta < 0n ? 'STOCK_NOT_FOUND' : undefined;
  const onHand = level.onHand + delta;
  if (delta > 0n && onHand > limits.onHand) return 'TOO_MUCH_STOCK';
  return onHand < level.reserved ? 'STOCK_BELOW_RESERVED' : undefined;
}
