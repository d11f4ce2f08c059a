import { AppError, isAppError } from '../errors/index.js';
import { GatewayInDoubt } from './gateway/gateway.js';
import type { Command, Payment } from './domain.js';
import type { RefundKey, RefundRejection } from './refunds/refund.js';

export function paymentNotFound(paymentId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_NOT_FOUND',
    message: 'payment not found',
    metadata: { payment_id: paymentId },
  });
}

export function illegalTransition({ id, state }: Payment, command: Command | 'AUTHORIZE'): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `${command} is not possible in state ${state}`,
    metadata: { payment_id: id, state, command },
    preconditions: [{ type: 'PAYMENT_STATE', subject: id, description: `is ${state}` }],
  });
}

/** For a caller that does not know declined captures. */
export function captureDeclined(paymentId: string): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: 'the gateway declined the capture',
    metadata: { payment_id: paymentId },
    preconditions: [{ type: 'CAPTURE', subject: paymentId, description: 'was declined by the gateway' }],
  });
}

export function paymentVoided(paymentId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_VOIDED',
    message: 'the payment was voided before it was authorized',
    metadata: { payment_id: paymentId },
    preconditions: [{ type: 'PAYMENT_STATE', subject: paymentId, description: 'is VOIDED' }],
  });
}

export function orderHasLivePayment(paymentId: string, orderId: string): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: 'the order has another live payment',
    metadata: { payment_id: paymentId, order_id: orderId },
    preconditions: [{ type: 'ORDER', subject: orderId, description: 'has another live payment' }],
  });
}

export function keyReused(field: 'payment_id' | 'request_id', key: string): AppError {
  return new AppError({
    reason: 'REQUEST_ID_REUSED',
    message: `this ${field} was used for a different request`,
    metadata: { [field]: key },
  });
}

export function currencyMismatch(paymentId: string, currency: string): AppError {
  return new AppError({
    reason: 'CURRENCY_MISMATCH',
    message: `the payment is in ${currency}`,
    metadata: { payment_id: paymentId, currency },
    fields: [{ field: 'amount.currency_code', description: `must be ${currency}` }],
  });
}

export function amountExceedsAuthorization(): AppError {
  return new AppError({
    reason: 'VALIDATION_FAILED',
    message: 'invalid request: amount must not exceed the authorized amount',
    fields: [{ field: 'amount', description: 'must not exceed the authorized amount' }],
  });
}

/** The error depends only on the stored rejection, so that a repeated request gets the same error. */
export function refundRejected({ paymentId, requestId }: RefundKey, reason: RefundRejection): AppError {
  if (reason === 'PAYMENT_NOT_FOUND') return paymentNotFound(paymentId);
  if (reason === 'REFUND_DECLINED') return refundDeclined({ paymentId, requestId });
  if (reason === 'REFUND_CANCELLED') return refundCancelled({ paymentId, requestId });
  const exceedsCapture = reason === 'REFUND_EXCEEDS_CAPTURE';
  return new AppError({
    reason,
    message: exceedsCapture
      ? 'the total of all refunds would exceed the captured amount'
      : 'the payment was not captured',
    metadata: { payment_id: paymentId, request_id: requestId },
    preconditions: [
      exceedsCapture
        ? { type: 'CAPTURED_AMOUNT', subject: paymentId, description: 'is too little for this refund' }
        : { type: 'PAYMENT_STATE', subject: paymentId, description: 'was not captured' },
    ],
  });
}

function refundDeclined({ paymentId, requestId }: RefundKey): AppError {
  return new AppError({
    reason: 'REFUND_DECLINED',
    message: 'the gateway declined the refund',
    metadata: { payment_id: paymentId, request_id: requestId },
    preconditions: [{ type: 'REFUND', subject: paymentId, description: 'was declined by the gateway' }],
  });
}

function refundCancelled({ paymentId, requestId }: RefundKey): AppError {
  return new AppError({
    reason: 'REFUND_CANCELLED',
    message: 'an operator cancelled the refund',
    metadata: { payment_id: paymentId, request_id: requestId },
    preconditions: [{ type: 'REFUND', subject: paymentId, description: 'was cancelled by an operator' }],
  });
}

export function gatewayUnavailable(cause: GatewayInDoubt): AppError {
  return new AppError({
    reason: 'DEPENDENCY_UNAVAILABLE',
    message: 'the payment gateway is unavailable',
    cause,
  });
}

/**
 * Awaits a gateway call.
 *
 * @throws AppError PAYMENT_IN_DOUBT if the gateway answer is unknown
 */
export async function awaitGateway<T>(paymentId: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw error instanceof GatewayInDoubt ? paymentInDoubt(paymentId, error) : error;
  }
}

/**
 * Awaits the recording of a gateway answer.
 *
 * @throws AppError PAYMENT_IN_DOUBT for a database failure, since a gateway call may have taken effect
 */
export async function awaitRecording<T>(paymentId: string, recording: Promise<T>): Promise<T> {
  try {
    return await recording;
  } catch (error) {
    throw isAppError(error) ? paymentInDoubt(paymentId, error) : error;
  }
}

/** Delay after which a caller repeats a request in doubt. */
const retryAfterMs = 500;

/** The gateway has accepted the request and answers later, or another call asks it. */
export function paymentPending(paymentId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'the gateway has not decided yet: repeat the request with the same id',
    metadata: { payment_id: paymentId },
    retryAfterMs,
  });
}

/** The other payment may still be declined. Nothing is stored under the id of the request. */
export function otherPaymentPending(paymentId: string, orderId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'another payment of the order has no answer: repeat the request with the same id',
    metadata: { payment_id: paymentId, order_id: orderId },
    retryAfterMs,
  });
}

/** A pending refund may still change the amount that is left. Nothing is stored under the key of the request. */
export function refundUndecided(paymentId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'another refund of the payment is pending: repeat the request with the same id',
    metadata: { payment_id: paymentId },
    retryAfterMs,
  });
}

function paymentInDoubt(paymentId: string, cause: Error): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'the outcome of the payment is unknown: repeat the request with the same id',
    metadata: { payment_id: paymentId },
    retryAfterMs,
    cause,
  });
}
