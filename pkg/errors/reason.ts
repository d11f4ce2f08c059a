/**
 * Values of `google.rpc.ErrorInfo.reason`. Reasons are part of the API: callers handle errors by reason.
 * `docs/errors.md` documents each reason, and `pkg/rpc/errors/status.ts` maps each reason to a status code.
 */
export const reasons = [
  'CANCELLED',
  'CONFLICT',
  'CURRENCY_MISMATCH',
  'DEADLINE_EXCEEDED',
  'DEADLINE_TOO_SHORT',
  'DEPENDENCY_UNAVAILABLE',
  'ILLEGAL_TRANSITION',
  'INTERNAL',
  'INVALID_PAGE_TOKEN',
  'MALFORMED_MESSAGE',
  'MESSAGE_TOO_LARGE',
  'METADATA_TOO_LARGE',
  'METHOD_NOT_FOUND',
  'ORDER_NOT_FOUND',
  'OUT_OF_STOCK',
  'OVERLOADED',
  'PAYMENT_IN_DOUBT',
  'PAYMENT_NOT_FOUND',
  'PAYMENT_VOIDED',
  'PERMISSION_DENIED',
  'PRICE_CHANGED',
  'PRODUCT_ALREADY_EXISTS',
  'PRODUCT_NOT_FOUND',
  'REFUND_CANCELLED',
  'REFUND_DECLINED',
  'REFUND_EXCEEDS_CAPTURE',
  'REQUEST_ID_REUSED',
  'RESERVATION_EXPIRED',
  'RESERVATION_NOT_FOUND',
  'RESERVATION_RELEASED',
  'SHUTTING_DOWN',
  'STOCK_BELOW_RESERVED',
  'STOCK_NOT_FOUND',
  'UNAUTHENTICATED',
  'VALIDATION_FAILED',
] as const;

export type Reason = (typeof reasons)[number];

export function isReason(value: string): value is Reason {
  return (reasons as readonly string[]).includes(value);
}
