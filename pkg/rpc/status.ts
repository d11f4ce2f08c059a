import { status as Status } from '@grpc/grpc-js';
import { isAppError, type Reason } from '../errors/index.js';

/** The status code of every reason; a reason without one does not compile. */
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
  PRODUCT_ALREADY_EXISTS: Status.ALREADY_EXISTS,
  PRODUCT_NOT_FOUND: Status.NOT_FOUND,
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
 * Whether a failure is ours: nobody foresaw it, or something that we need has failed. UNAVAILABLE without a
 * cause is a decision, such as to shut down.
 */
export function isFault(error: unknown): boolean {
  if (!isAppError(error) || error.reason === 'INTERNAL') return true;
  return error.cause !== undefined && statusOf[error.reason] === Status.UNAVAILABLE;
}

/** The reason that stands for a bare status code, from a peer that sends no `ErrorInfo`. */
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
    // grpc-js reports a connection that broke under a call as INTERNAL or UNKNOWN, without details:
    // the answer is not known, as with UNAVAILABLE.
    case Status.INTERNAL:
    case Status.UNKNOWN:
    case Status.UNAVAILABLE:
      return 'DEPENDENCY_UNAVAILABLE';
    default:
      return 'INTERNAL';
  }
}
