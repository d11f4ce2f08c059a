import { AppError, isAppError } from '../errors/index.js';
import { GatewayInDoubt } from './gateway.js';
import type { Command, Payment } from './domain.js';
import type { RefundKey, RefundRefusal } from './refund.js';

export function paymentNotFound(paymentId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_NOT_FOUND',
    message: 'there is no such payment',
    metadata: { payment_id: paymentId },
  });
}

/** The payment is in a state from which it cannot be captured or voided. */
export function illegalTransition({ id, state }: Payment, command: Command): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `a payment that is ${state} cannot take ${command}`,
    metadata: { payment_id: id, state, command },
    preconditions: [{ type: 'PAYMENT_STATE', subject: id, description: `is ${state}` }],
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

export function moreThanAuthorized(): AppError {
  return new AppError({
    reason: 'VALIDATION_FAILED',
    message: 'invalid request: amount must be at most what is authorized',
    fields: [{ field: 'amount', description: 'must be at most what is authorized' }],
  });
}

/** The same each time it is told, whatever became of the payment since. */
export function refundRefused({ paymentId, requestId }: RefundKey, refusal: RefundRefusal): AppError {
  if (refusal === 'PAYMENT_NOT_FOUND') return paymentNotFound(paymentId);
  const isOverdrawn = refusal === 'REFUND_EXCEEDS_CAPTURE';
  return new AppError({
    reason: refusal,
    message: isOverdrawn
      ? 'the refunds together would be more than what was captured'
      : 'the payment was not captured',
    metadata: { payment_id: paymentId, request_id: requestId },
    preconditions: [
      isOverdrawn
        ? { type: 'CAPTURED_AMOUNT', subject: paymentId, description: 'is too little for this refund' }
        : { type: 'PAYMENT_STATE', subject: paymentId, description: 'was not captured' },
    ],
  });
}

export function gatewayUnavailable(cause: GatewayInDoubt): AppError {
  return new AppError({
    reason: 'DEPENDENCY_UNAVAILABLE',
    message: 'the payment gateway is unavailable',
    cause,
  });
}

/** Waits for the gateway; not knowing its answer becomes PAYMENT_IN_DOUBT, for the caller to repeat. */
export async function settled<T>(paymentId: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof GatewayInDoubt ? paymentInDoubt(paymentId, error) : error;
  }
}

/**
 * Waits until what the gateway said is booked. When our database cannot, the caller must not believe
 * that nothing happened: the gateway has acted.
 */
export async function booked<T>(paymentId: string, booking: Promise<T>): Promise<T> {
  try {
    return await booking;
  } catch (error) {
    throw isAppError(error) ? paymentInDoubt(paymentId, error) : error;
  }
}

function paymentInDoubt(paymentId: string, cause: Error): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'what became of the payment is not known: repeat with the same id',
    metadata: { payment_id: paymentId },
    cause,
  });
}
