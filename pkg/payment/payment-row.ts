import type { Money } from '../money/index.js';
import type { Charge, Decline, DeclineAdvice, DeclineCode, Payment, PaymentState } from './domain.js';

/** For every statement that yields payments. */
export const paymentColumns = `id, order_id, currency, amount_minor, fingerprint, authorized_minor,
  captured_minor, refunded_minor, refund_pending_minor, state, decline_code, decline_advice,
  void_retry_at, released_currency, released_minor, created_at, updated_at`;

/** CHECK constraints keep what is null together together. */
export interface PaymentRow {
  readonly id: string;
  readonly order_id: string | null;
  readonly currency: string | null;
  readonly amount_minor: bigint | null;
  readonly fingerprint: Buffer | null;
  readonly authorized_minor: bigint;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly refund_pending_minor: bigint;
  readonly state: PaymentState;
  readonly decline_code: DeclineCode | null;
  readonly decline_advice: DeclineAdvice | null;
  readonly void_retry_at: Date | null;
  readonly released_currency: string | null;
  readonly released_minor: bigint | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    state: row.state,
    charge: toCharge(row),
    decline: toDecline(row),
    owesVoid: row.void_retry_at !== null,
    released: toReleased(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toCharge(row: PaymentRow): Charge | undefined {
  const { order_id: orderId, currency, amount_minor: amount, fingerprint } = row;
  if (orderId === null || currency === null || amount === null || fingerprint === null) return undefined;
  return {
    orderId,
    currency,
    amount,
    authorized: row.authorized_minor,
    captured: row.captured_minor,
    refunded: row.refunded_minor,
    refundPending: row.refund_pending_minor,
    fingerprint,
  };
}

function toDecline({ decline_code: code, decline_advice: advice }: PaymentRow): Decline | undefined {
  return code === null || advice === null ? undefined : { code, advice };
}

function toReleased({ released_currency: currency, released_minor: minor }: PaymentRow): Money | undefined {
  return currency === null || minor === null ? undefined : { currency, minor };
}
