import { status as Status } from '@grpc/grpc-js';
import { isAppError, type Reason } from '../../errors/index.js';

/** Status code of each reason. */
export const statusOf: Readonly<Record<Reason, Status>> = {
  CANCELLED: Status.CANCELLED,
  CONFLICT: Status.ABORTED,
  CURRENCY_MISMATCH: Status.INVALID_ARGUMENT,
  DEADLINE_EXCEEDED: Status.DEADLINE_EXCEEDED,
  DEADLINE_TOO_SHORT: Status.DEADLINE_EXCEEDED,
  DEPENDENCY_UNAVAILABLE: Status.UNAVAILABLE,
  ILLEGAL_TRANSITION: Status.FAILED_PRECONDITION,
  INTERNAL: Status.INTERNAL,
  INVALID_PAGE_TOKEN: Status.INVALID_ARGUMENT,
  MALFORMED_MESSAGE: Status.INVALID_ARGUMENT,
  MESSAGE_TOO_LARGE: Status.RESOURCE_EXHAUSTED,
  METADATA_TOO_LARGE: Status.RESOURCE_EXHAUSTED,
  METHOD_NOT_FOUND: Status.UNIMPLEMENTED,
  ORDER_NOT_FOUND: Status.NOT_FOUND,
  OUT_OF_STOCK: Status.FAILED_PRECONDITION,
  OVERLOADED: Status.RESOURCE_EXHAUSTED,
  PAYMENT_IN_DOUBT: Status.UNAVAILABLE,
  PAYMENT_NOT_FOUND: Status.NOT_FOUND,
  PAYMENT_VOIDED: Status.FAILED_PRECONDITION,
  PERMISSION_DENIED: Status.PERMISSION_DENIED,
  PRICE_CHANGED: Status.FAILED_PRECONDITION,
  PRODUCT_ALREADY_EXISTS: Status.ALREADY_EXISTS,
  PRODUCT_NOT_FOUND: Status.NOT_FOUND,
  REFUND_CANCELLED: Status.FAILED_PRECONDITION,
  REFUND_DECLINED: Status.FAILED_PRECONDITION,
  REFUND_EXCEEDS_CAPTURE: Status.FAILED_PRECONDITION,
  REQUEST_ID_REUSED: Status.ALREADY_EXISTS,
  RESERVATION_EXPIRED: Status.FAILED_PRECONDITION,
  RESERVATION_NOT_FOUND: Status.NOT_FOUND,
  RESERVATION_RELEASED: Status.FAILED_PRECONDITION,
  SHUTTING_DOWN: Status.UNAVAILABLE,
  STOCK_BELOW_RESERVED: Status.FAILED_PRECONDITION,
  STOCK_NOT_FOUND: Status.NOT_FOUND,
  UNAUTHENTICATED: Status.UNAUTHENTICATED,
  VALIDATION_FAILED: Status.INVALID_ARGUMENT,
};

/**
 * Returns whether a failure is a fault of the server (INTERNAL) or of a dependency (UNAVAILABLE with a cause).
 * UNAVAILABLE without a cause is a deliberate rejection, for example during shutdown.
 */
export function isFault(error: unknown): boolean {
  if (!isAppError(error) || error.reason === 'INTERNAL') return true;
  return error.cause !== undefined && statusOf[error.reason] === Status.UNAVAILABLE;
}

/** Returns the reason for a status code that was received without `ErrorInfo`. */
export function reasonOf(code: Status): Reason {
  switch (code) {
    case Status.CANCELLED:
      return 'CANCELLED';
    case Status.INVALID_ARGUMENT:
      return 'VALIDATION_FAILED';
    case Status.DEADLINE_EXCEEDED:
      return 'DEADLINE_EXCEEDED';
    case Status.RESOURCE_EXHAUSTED:
      return 'OVERLOADED';
    case Status.ABORTED:
      return 'CONFLICT';
    case Status.UNIMPLEMENTED:
      return 'METHOD_NOT_FOUND';
    case Status.PERMISSION_DENIED:
      return 'PERMISSION_DENIED';
    case Status.UNAUTHENTICATED:
      return 'UNAUTHENTICATED';
    // grpc-js reports a broken connection as INTERNAL or UNKNOWN without details. As with UNAVAILABLE, the server may
    // have executed the call.
    case Status.INTERNAL:
    case Status.UNKNOWN:
    case Status.UNAVAILABLE:
      return 'DEPENDENCY_UNAVAILABLE';
    default:
      return 'INTERNAL';
  }
}
