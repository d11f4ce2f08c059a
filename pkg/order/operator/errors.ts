import { AppError } from '../../errors/index.js';
import type { SagaOrder } from '../domain.js';

export function orderNotFound(orderId: string): AppError {
  return new AppError({
    reason: 'ORDER_NOT_FOUND',
    message: 'no such order',
    metadata: { order_id: orderId },
  });
}

/** The error of an order with a value that this version cannot read. It is a fault, and not an AppError for callers. */
export function orderUnreadable(orderId: string, cause: unknown): Error {
  return new Error(`the order ${orderId} cannot be read`, { cause });
}

export function requestIdReused(requestId: string): AppError {
  return new AppError({
    reason: 'REQUEST_ID_REUSED',
    message: 'the request id was used before with another request',
    metadata: { request_id: requestId },
  });
}

/** @param problem a verb phrase, such as `cannot be retried` */
export function illegalAction({ id, state, block }: SagaOrder, problem: string): AppError {
  const description = `the order is ${state}${block ? ' and blocked' : ''}`;
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `an order that is ${state} ${problem}`,
    metadata: { order_id: id, state },
    preconditions: [{ type: 'STATE', subject: id, description }],
  });
}

/** @param description why the step has not taken effect by other means */
export function contradictedResolution({ id, paymentId, step }: SagaOrder, description: string): AppError {
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: `${description}: retry the order instead`,
    metadata: { order_id: id, payment_id: paymentId, step },
    preconditions: [{ type: 'PAYMENT', subject: paymentId, description }],
  });
}

/** The inventory service has answered a release with another state. */
export function reservationHeld({ id, reservationId, step }: SagaOrder): AppError {
  const description = 'the reservation still holds stock after its release';
  return new AppError({
    reason: 'ILLEGAL_TRANSITION',
    message: description,
    metadata: { order_id: id, reservation_id: reservationId, step },
    preconditions: [{ type: 'RESERVATION', subject: reservationId, description }],
  });
}

export function refundUndecided(orderId: string): AppError {
  return new AppError({
    reason: 'PAYMENT_IN_DOUBT',
    message: 'the gateway has not decided the refund yet: repeat the call later',
    metadata: { order_id: orderId },
    retryAfterMs: 1000,
  });
}

/** Another operator has ended the block, and the order is blocked again. */
export function blockedAgain({ id }: SagaOrder): AppError {
  return new AppError({
    reason: 'CONFLICT',
    message: 'the order was blocked again during the call: read the order, then repeat the call',
    metadata: { order_id: id },
  });
}
