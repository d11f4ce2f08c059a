import {
  ReservationState as WireState,
  StockMovementKind,
  type Reservation as WireReservation,
  type StockLevel as WireLevel,
  type StockMovement as WireMovement,
} from '../pb/inventory/v1/inventory.js';
import {
  available,
  type Reservation,
  type ReservationState,
  type StockLevel,
  type StockMovement,
} from './domain.js';

const wireStates: Readonly<Record<ReservationState, WireState>> = {
  RESERVED: WireState.RESERVED,
  COMMITTED: WireState.COMMITTED,
  RELEASED: WireState.RELEASED,
  RETURNED: WireState.RETURNED,
  EXPIRED: WireState.EXPIRED,
  REFUSED: WireState.REFUSED,
};

export function reservationToWire(reservation: Reservation): WireReservation {
  return {
    reservationId: reservation.id,
    state: wireStates[reservation.state],
    items: reservation.lines.map(({ sku, quantity }) => ({ sku, quantity })),
    expireTime: reservation.expiresAt,
    createTime: reservation.createdAt,
    updateTime: reservation.updatedAt,
    releaseActor: reservation.releasedBy ?? '',
    releaseReason: reservation.releaseReason ?? '',
  };
}

export function levelToWire(level: StockLevel): WireLevel {
  return {
    sku: level.sku,
    onHand: level.onHand,
    reserved: level.reserved,
    available: available(level),
    revision: level.revision,
    updateTime: level.updatedAt,
    audit: level.audit && { ...level.audit },
  };
}

const wireKinds: Readonly<Record<StockMovement['kind'], StockMovementKind>> = {
  ADJUST: StockMovementKind.ADJUST,
  COMMIT: StockMovementKind.COMMIT,
  RETURN: StockMovementKind.RETURN,
};

export function movementToWire({ id, kind, createdAt, ...movement }: StockMovement): WireMovement {
  return { ...movement, movementId: id, kind: wireKinds[kind], time: createdAt };
}

/** Returns the state of a request: undefined for all states, 'unknown' for a number without a name. */
export function stateFromWire(wire: WireState): ReservationState | undefined | 'unknown' {
  if (wire === WireState.UNSPECIFIED) return undefined;
  const states = Object.keys(wireStates) as ReservationState[];
  return states.find((state) => wireStates[state] === wire) ?? 'unknown';
}
