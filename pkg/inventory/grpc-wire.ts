import {
  ReservationState as WireState,
  type Reservation as WireReservation,
  type StockLevel as WireLevel,
} from '../pb/inventory/v1/inventory.js';
import { available, type Reservation, type ReservationState, type StockLevel } from './domain.js';

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
